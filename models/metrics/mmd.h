#pragma once
// Maximum mean discrepancy (Gretton et al. 2012, JMLR 13): the distance between two laws as seen by a kernel,
//
//   MMD² = E k(X, X′) + E k(Y, Y′) − 2 E k(X, Y),   k(x, y) = exp(−‖x − y‖² / 2h²)
//
// estimated without bias (their eq. 3), so it can be slightly negative; error by the jackknife.

#include "models/metrics/estimate.h"

namespace pf {

/// One bandwidth h. x: [m, d], y: [n, d].
Estimate mmd2(const Tensor& x, const Tensor& y, double bandwidth);

/// The mean of the kernels with h = ¼, ½, 1, 2 and 4 times `scale`, which sees coarse and fine differences.
Estimate mmd2_mixture(const Tensor& x, const Tensor& y, double scale);

/// The median distance between different rows of x (of the first 1000), the customary scale. Take it from the real data,
/// so that models are measured by one rule.
double median_distance(const Tensor& x);
/// The same as a tensor where x is, float64 []: nothing waits, and what reads it can be replayed (tensor/capture.h).
Tensor median_distance_there(const Tensor& x);

}  // namespace pf
