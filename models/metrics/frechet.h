#pragma once
// Fréchet distance between the Gaussians fitted to two samples (Dowson & Landau 1982; as FID, Heusel et al. 2017, arXiv
// 1706.08500, eq. 6, but of the vectors as they are, without a network's features):
//
//   ‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2 (C₁ C₂)^½)
//
// It is the squared W₂ of the two Gaussians, and sees means and covariances only. Too large for few samples, by about 1/n.

#include "models/metrics/estimate.h"

namespace pf {

/// Squared, as is the custom. x: [m, d], y: [n, d]. The error is block_error.
Estimate gaussian_frechet(const Tensor& x, const Tensor& y);

/// The same of known moments. means: [d], covariances: [d, d] (positive semidefinite).
double gaussian_frechet(const Tensor& mean1, const Tensor& covariance1, const Tensor& mean2, const Tensor& covariance2);

}  // namespace pf
