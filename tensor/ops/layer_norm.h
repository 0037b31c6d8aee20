#pragma once
// Normalisation of each row to mean 0 and variance 1, then scaled and shifted (Ba et al. 2016, arXiv 1607.06450).

#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {

/// Fused: one pass over a row while it is in the cache, forward and backward.
struct LayerNormOp {
  static constexpr auto name = "layer_norm";
  double epsilon = 1e-5;
  Tensor eval(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  std::array<Tensor, 3> fused_vjp(Wanted wanted, const Tensor& g, const Tensor& x, const Tensor& weight,
                                  const Tensor& bias, const Tensor& y) const;
  template <Array A> A composite(const A& x, const A& weight, const A& bias) const {
    const A centred = x - mean(x, -1, true);
    return centred * rsqrt(mean(square(centred), -1, true) + epsilon) * weight + bias;
  }
};

/// (x - mean) / √(variance + ε) · weight + bias over the last axis.  x: [..., n], weight and bias: [n]
template <class X, class W, class B>
auto layer_norm(const X& x, const W& weight, const B& bias, double epsilon = 1e-5) {
  return apply(LayerNormOp{epsilon}, x, weight, bias);
}

}  // namespace pf
