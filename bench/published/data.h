#pragma once
// The data of the published tables, at their scales. "8 gaussians" and "moons" of these names exist at other scales too (those of
// nn/data/synthetic.h are FFJORD's): none of the figures carries over.
//
// From N(0, I):
//   8gaussians  on a circle of radius 5, deviation 1, n/8 points of each
//   moons       scikit-learn's, noise 0.05, x ↦ 2x − 1
//   scurve      the first and third coordinate of scikit-learn's, noise 0.05, times 1.5
// From data to data, moons-8gaussians, both several times larger:
//   moons       scikit-learn's, noise 0.1, less its mean over both coordinates, divided by its deviation over both, times 7
//   8gaussians  on a circle of radius 12, deviation 1.5

#include <span>
#include <string>

#include "tensor/random.h"

namespace pf::bench {

/// Where a flow starts and where it is to end: n points, [n, 2].
struct Task {
  std::string name;
  bool from_data = false;  // false: the start is N(0, I), drawn anew in every step
  Tensor (*start)(int64_t n, Rng& rng);
  Tensor (*end)(int64_t n, Rng& rng);
};
std::span<const Task> published_tasks();

}  // namespace pf::bench
