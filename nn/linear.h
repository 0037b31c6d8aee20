#pragma once
#include "autograd/apply.h"
#include "nn/init.h"
#include "nn/module.h"
#include "nn/precision.h"
#include "tensor/ops/matmul.h"

namespace pf {

struct LinearOptions {
  bool bias = true;
  double gain = 1;  // weights start with variance gain² / in; 0 makes a layer that starts as zero
};

/// y = x Wᵀ + b.  x: [..., in]  →  [..., out]
struct Linear {
  Variable weight;  // [out, in]
  Variable bias;    // [out], or none

  Linear(int64_t in, int64_t out, Rng& rng, LinearOptions options = {})
      : weight(kaiming_uniform({out, in}, rng, options.gain)), bias(options.bias ? zeros({out}) : Tensor()) {}

  int64_t in() const { return weight.size(1); }
  int64_t out() const { return weight.size(0); }
  Variable operator()(const Variable& x) const { return linear(x, parameter_for(x, weight), parameter_for(x, bias)); }
  static void fields(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }
};

}  // namespace pf
