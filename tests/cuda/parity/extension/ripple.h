#pragma once
#include "tensor/ops/exponential.h"
#include "tensor/ops/trigonometric.h"

namespace pf {

/// e^(-a²) cos b. No derivative is stated: it comes from duals.
struct Ripple : Pointwise<2> {
  static constexpr auto name = "ripple";
  template <class V> constexpr V operator()(V a, V b) const { return exp(-a * a) * cos(b); }
};

}  // namespace pf
