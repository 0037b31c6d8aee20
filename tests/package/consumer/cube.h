#pragma once
#include "tensor/ops/arithmetic.h"

/// x³: an op of the consumer's own.
struct Cube : pf::Pointwise<1> {
  static constexpr auto name = "cube";
  template <class V> V operator()(V x) const { return x * x * x; }
};
