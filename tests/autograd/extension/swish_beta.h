#pragma once
#include "tensor/ops/activations.h"

namespace pf {

/// x σ(βx) with a trainable β (Ramachandran et al. 2017, arXiv 1710.05941). No derivative is stated: it comes from
/// duals.
struct SwishBeta : Pointwise<2> {
  static constexpr auto name = "swish_beta";
  template <class V> constexpr V operator()(V x, V beta) const { return x * sigmoid(beta * x); }
};
template <Array A> A swish_beta(const A& x, const A& beta) { return apply(SwishBeta{}, x, beta); }

}  // namespace pf
