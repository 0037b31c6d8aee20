#pragma once
// Energy distance (Székely & Rizzo 2013): zero only for equal laws, and nothing to choose.
//
//   2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖
//
// Estimated without bias, so it can be slightly negative; error by the jackknife. Its square root is a metric.

#include "models/metrics/estimate.h"

namespace pf {

/// x: [m, d], y: [n, d]. Not the square root.
Estimate energy_distance(const Tensor& x, const Tensor& y);

}  // namespace pf
