#pragma once
// Wasserstein distance between two samples by the optimal assignment of their points, without approximation:
//
//   W₂² = min over pairings π of (1/n) Σᵢ ‖xᵢ − y_π(i)‖²
//
// As an estimate for the laws behind the samples it is too large, by an amount that shrinks like n^(−1/d): never print it
// without its floor, the same number for two samples of real data of the same n.

#include "models/metrics/estimate.h"

namespace pf {

/// W₂, the square root. x, y: [n, d], equally many rows. The error is block_error.
Estimate exact_w2(const Tensor& x, const Tensor& y);

}  // namespace pf
