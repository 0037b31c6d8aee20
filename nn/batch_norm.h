#pragma once
#include "nn/module.h"

namespace pf {

/// Each feature (last axis) with mean 0 and variance 1 over the batch, then scaled and shifted (Ioffe and Szegedy 2015,
/// arXiv 1502.03167). x: [..., width] → the same shape.
///
/// There is no mode: layer(x) evaluates with the running statistics, layer.train(x) uses those of the batch, lets
/// derivatives pass through them, and moves the running ones. That is why it is not const.
struct BatchNorm {
  Variable weight, bias;             // [width]
  Tensor running_mean, running_var;  // [width]; the variance is the unbiased estimate
  double momentum = 0.1;             // how far the running statistics move toward the batch's
  double epsilon = 1e-5;

  explicit BatchNorm(int64_t width);
  Variable operator()(const Variable& x) const;
  Variable train(const Variable& x);

  static void fields(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
    visit("running_mean", self.running_mean);
    visit("running_var", self.running_var);
  }
};

}  // namespace pf
