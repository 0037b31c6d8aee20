#pragma once
#include "autograd/apply.h"
#include "nn/init.h"
#include "nn/module.h"
#include "tensor/ops/index.h"

namespace pf {

/// A vector for each of `count` things.  indices: int64 [...] → [..., width]
struct Embedding {
  Variable weight;  // [count, width], standard normal at first

  Embedding(int64_t count, int64_t width, Rng& rng) : weight(normal_around_zero(1, {count, width}, rng)) {}

  Variable operator()(const Tensor& indices) const {
    const Variable rows = index_select(weight, 0, reshape(indices, {indices.numel()}));
    Shape shape = indices.shape();
    shape.push_back(weight.size(1));
    return reshape(rows, shape);
  }
  static void fields(auto& self, auto&& visit) { visit("weight", self.weight); }
};

}  // namespace pf
