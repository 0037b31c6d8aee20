#pragma once
// Fidelity and diversity apart, by balls around points (Kynkäänniemi et al. 2019, arXiv 1904.06991, eq. 1; Naeem et al. 2020,
// arXiv 2002.09797, eq. 4 and 6). The radius r(x) of a point is its distance to its k-th neighbour in its own sample.
//
//   precision  part of the samples within the ball of any real point
//   recall     part of the real points within the ball of any sample
//   density    (1/k) times the number of real balls that hold a sample, on average: about 1 for the same law, and not ruled
//              by outliers' wide balls as precision is
//   coverage   part of the real balls that hold any sample: about 1 − 2⁻ᵏ for the same law and equal numbers

#include "models/metrics/estimate.h"

namespace pf {

struct NeighbourMetrics {
  Estimate precision, recall, density, coverage;
};

/// real: [n, d], fake: [m, d], each with more rows than `neighbours`. Errors are those of independent trials.
NeighbourMetrics neighbour_metrics(const Tensor& real, const Tensor& fake, int64_t neighbours = 5);

}  // namespace pf
