#pragma once
// Interpolation that stays in the base law: cos θ z₁ + sin θ z₂ of two normal samples is a normal sample at every θ, while
// the straight line between them passes through points far too close to the centre (White 2016, arXiv 1609.04468).

#include "models/distribution.h"

namespace pf {

/// `count` points from a to b, θ from 0 to π/2. a, b: [n, width] in the base → [count, n, width]. A base that is not normal
/// is mapped to the normal and back by its quantiles.
Tensor interpolate(const Distribution& base, const Tensor& a, const Tensor& b, int64_t count);

}  // namespace pf
