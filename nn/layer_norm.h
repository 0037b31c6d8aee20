#pragma once
#include "autograd/apply.h"
#include "nn/module.h"
#include "nn/precision.h"
#include "tensor/ops/layer_norm.h"

namespace pf {

/// Each row of the last axis with mean 0 and variance 1, then scaled and shifted.  x: [..., width] → the same shape
struct LayerNorm {
  Variable weight, bias;  // [width]
  double epsilon = 1e-5;

  explicit LayerNorm(int64_t width, double epsilon_ = 1e-5)
      : weight(ones({width})), bias(zeros({width})), epsilon(epsilon_) {}

  Variable operator()(const Variable& x) const {
    return layer_norm(x, parameter_for(x, weight), parameter_for(x, bias), epsilon);
  }
  static void fields(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }
};

}  // namespace pf
