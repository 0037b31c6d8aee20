#pragma once
// Formulas as a user of the library adds them, in a namespace of their own. Without closed-form partials, so their
// backward kernels run on duals.

#include "tensor/ops/activations.h"
#include "tensor/ops/gamma.h"
#include "tensor/ops/lerp.h"
#include "tensor/ops/trigonometric.h"

namespace own {

using namespace pf;

/// The inverse of one affine coupling.
struct AffineInverse : Pointwise<3> {
  static constexpr auto name = "affine_inverse";
  template <class V> V operator()(V x, V s, V t) const { return (x - t) * exp(-tanh(s)); }
};

/// Everything that is chosen: by select, by max and min, by clamp, by rounding.
struct Choices : Pointwise<2> {
  static constexpr auto name = "choices";
  static constexpr std::array<Domain, 2> domains = {Domain{-2, 2, {0}}, Domain{-1.4, 1.4, {-1, -0.5, 0.5, 1}}};
  template <class V> V operator()(V x, V y) const {
    const V larger = max(x, V(2) * y + V(5));
    const V smaller = min(V(0.25) * x, abs(y) + V(3));
    return select(x > V(0) && y < V(1), larger * smaller, logaddexp(x, y) + round(y)) + clamp(y, -1, 1) * sign(x);
  }
};

/// Functions of two operands, numbers on either side, parameters.
struct Mixture : Pointwise<2> {
  static constexpr auto name = "mixture";
  static constexpr std::array<Domain, 2> domains = {Domain{0.3, 2}, Domain{0.4, 3}};
  double weight = 0.3;
  template <class V> V operator()(V x, V y) const {
    return weight * lgamma(x + y) - pow(x, y) / 2 + atan2(y, x) * lerp(x, y, V(weight)) + pow(x, 1.7) +
           square(y) * 3.0 - log_ndtr(1 - x);
  }
};

}  // namespace own
