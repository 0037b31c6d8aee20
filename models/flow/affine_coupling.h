#pragma once
// The two directions of an affine coupling as formulas: one pass over memory each, and one for all three derivatives.
// The log-scale is tanh s, so that a step changes scales by a factor of e at most.

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/hyperbolic.h"

namespace pf {

/// From data to noise: (x − t) · exp(−tanh s).
struct AffinePull : Pointwise<3> {
  static constexpr auto name = "affine_pull";
  template <class V> constexpr V operator()(V x, V s, V t) const { return (x - t) * exp(-tanh(s)); }
};

/// From noise to data: z · exp(tanh s) + t.
struct AffinePush : Pointwise<3> {
  static constexpr auto name = "affine_push";
  template <class V> constexpr V operator()(V z, V s, V t) const { return z * exp(tanh(s)) + t; }
};

}  // namespace pf
