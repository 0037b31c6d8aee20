#pragma once
#include "nn/linear.h"

namespace pf {

/// A linear layer in which only some inputs reach an output: y = x (W ∘ M)ᵀ + b, with a constant mask M of zeros and ones.
/// Masks by degrees make a network autoregressive (MADE, Germain et al. 2015, arXiv 1502.03509).
struct MaskedLinear {
  Variable weight;  // [out, in]
  Variable bias;    // [out]
  Tensor mask;      // [out, in]

  MaskedLinear(const Tensor& allowed, Rng& rng, LinearOptions options = {});
  Variable operator()(const Variable& x) const {
    return linear(x, parameter_for(x, weight * mask), parameter_for(x, bias));
  }
  static void fields(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
    visit("mask", self.mask);
  }
};

/// 1 where an output may see an input: its degree is at least the input's (strict: greater, as in MADE's last layer).
Tensor degree_mask(std::span<const int64_t> inputs, std::span<const int64_t> outputs, bool strict = false);

}  // namespace pf
