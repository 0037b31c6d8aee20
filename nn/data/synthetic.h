#pragma once
// The 2-D sets on which generative models are compared, each by its exact law: sampler, log-density, entropy.
//
// Most are those of FFJORD (Grathwohl et al. 2019, arXiv 1810.01367); ring8 and grid25 are those of PacGAN (Lin et al.
// 2018, arXiv 1712.04086). "8 gaussians" and "moons" exist elsewhere at other scales, with other entropies.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/random.h"

namespace pf {

/// Equally likely isotropic Gaussians.
struct Modes {
  std::vector<std::array<double, 2>> centres;
  double sigma = 0;
};

struct Synthetic {
  std::string name;
  std::string description;  // one line
  double entropy = 0;       // nats
  int classes = 1;          // number of parts: modes, arms, rings; a point's label is its part
  std::optional<Modes> modes;
  double extent = 4;  // practically all points have |x|, |y| < extent: for pictures
};

/// All sets, in the order in which they are shown.
std::span<const Synthetic> synthetic_sets();
/// An error that offers the nearest name where there is none.
const Synthetic& synthetic_set(std::string_view name);

struct Points {
  Tensor x;       // float32 [n, 2]
  Tensor labels;  // int64 [n]: the part that each point came from
};

/// n independent points. The first k of n points are not the k points that another n gives.
Points sample_points(std::string_view name, int64_t n, Rng& rng);
/// The same without labels.
Tensor sample_2d(std::string_view name, int64_t n, Rng& rng);

/// The log-density of the set's law at each row of x [n, 2] (float32 or float64), as float64 [n]. Closed form for
/// mixtures, rings, the checkerboard and the pinwheel, quadrature along the curve for the others. -inf outside the support.
Tensor log_density_2d(std::string_view name, const Tensor& x);

}  // namespace pf
