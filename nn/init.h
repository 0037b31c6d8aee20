#pragma once
// First values of weights. A weight is [out, in] or [out, in, kernel…]; its fan-in is what one output sums over,
// in · kernel sizes, and its fan-out is what one input feeds, out · kernel sizes.
//
// With variance gain² / fan-in the size of the signal survives a layer, if gain undoes what the activation does to it
// (gain_of in nn/activation.h; √2 for relu). All are made on the CPU and then copied to the default device, so that a model
// starts with the same bits everywhere.

#include "tensor/random.h"

namespace pf {

struct Fan {
  double in = 1, out = 1;
};
Fan fan_of(const Shape& weight);

/// Uniform on (-bound, bound).
Tensor uniform_within(double bound, const Shape& shape, Rng& rng, DType dtype = float32);
/// Normal with standard deviation sigma.
Tensor normal_around_zero(double sigma, const Shape& shape, Rng& rng, DType dtype = float32);

/// He et al. 2015, arXiv 1502.01852: variance gain² / fan-in.
Tensor kaiming_uniform(const Shape& shape, Rng& rng, double gain = 1.4142135623730951, DType dtype = float32);
Tensor kaiming_normal(const Shape& shape, Rng& rng, double gain = 1.4142135623730951, DType dtype = float32);
/// LeCun et al. 1998: the same with gain 1.
Tensor lecun_uniform(const Shape& shape, Rng& rng, DType dtype = float32);
Tensor lecun_normal(const Shape& shape, Rng& rng, DType dtype = float32);
/// Glorot and Bengio 2010: variance gain² · 2 / (fan-in + fan-out), a compromise between forward and backward.
Tensor xavier_uniform(const Shape& shape, Rng& rng, double gain = 1, DType dtype = float32);
Tensor xavier_normal(const Shape& shape, Rng& rng, double gain = 1, DType dtype = float32);
/// Saxe et al. 2013, arXiv 1312.6120: gain times a random matrix [out, rest] with orthonormal rows or columns, whichever
/// are fewer (uniformly distributed among those).
Tensor orthogonal(const Shape& shape, Rng& rng, double gain = 1, DType dtype = float32);

}  // namespace pf
