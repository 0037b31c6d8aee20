#pragma once
// Sliced Wasserstein distance (Rabin et al. 2011; Bonneel et al. 2015): the mean, over directions, of the squared distance
// between the two samples seen along that direction, where the optimal pairing is the sorted one.
//
//   SW₂² = mean over k of (1/n) Σᵢ (⟨θₖ, x⟩₍ᵢ₎ − ⟨θₖ, y⟩₍ᵢ₎)²,   θₖ uniform on the sphere
//
// A shift by δ in d dimensions gives SW₂² = ‖δ‖²/d. Even two samples of one law are some way apart: read it beside that.

#include "models/metrics/estimate.h"
#include "tensor/random.h"

namespace pf {

/// `directions` directions on the unit sphere: [directions, d].
Tensor random_directions(int64_t directions, int64_t d, Rng& rng);

/// SW₂, the square root. x, y: [n, d], equally many rows. The error is over samples (block_error), for these directions.
Estimate sliced_w2(const Tensor& x, const Tensor& y, const Tensor& directions);
Estimate sliced_w2(const Tensor& x, const Tensor& y, Rng& rng, int64_t directions = 200);

}  // namespace pf
