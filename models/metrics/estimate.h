#pragma once
// Estimate: a number computed from samples, and how far another sample would have moved it.

#include <functional>
#include <span>

#include "tensor/tensor.h"

namespace pf {

struct Estimate {
  double value = 0;
  double error = 0;  // standard error; NaN where there is too little to tell
};

/// The mean of independent numbers; error = standard deviation / √n.
Estimate mean_of(std::span<const double> values);

/// A part of n independent trials, k of them successes. The error is the distance from k/n to the farther end of Wilson's interval
/// of one standard error (Wilson 1927): √(p(1 − p)/n) of many trials, and not 0 where all or none succeeded, which says little
/// of a few.
Estimate proportion(double k, double n);

/// The standard error of a statistic of two samples [n, d] for which no formula is at hand: it is computed anew on B = 8
/// separate blocks of n/8 pairs of rows, and the spread of the results is divided by √B. A distance between two samples of
/// one law shrinks with n as well as its spread does; there this error is too large rather than too small. NaN below
/// 16 rows.
double block_error(const Tensor& x, const Tensor& y,
                   const std::function<double(const Tensor&, const Tensor&)>& statistic);

/// Throws unless both are [rows, d] with one d and at least `least` rows each: "energy distance: …".
void check_samples(const char* metric, const Tensor& x, const Tensor& y, int64_t least);

}  // namespace pf
