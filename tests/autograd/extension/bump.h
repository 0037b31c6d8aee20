#pragma once
#include "tensor/ops/all.h"

namespace pf {

/// A smooth bump with a closed-form derivative: 1 / (1 + x²).
struct Bump : Pointwise<1> {
  static constexpr auto name = "bump";
  template <class V> constexpr V operator()(V x) const { return V(1) / (V(1) + x * x); }
  template <class V> static constexpr auto partials(V x, V y) { return std::array{V(-2) * x * y * y}; }
};

}  // namespace pf
