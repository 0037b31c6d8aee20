#pragma once
// One component of a mixture as a formula: log(weight · density) at x, up to what all components have in common. What a
// mixture's density, its gradient and the weights of its components at x are made of.

#include "tensor/ops/activations.h"

namespace pf {

/// Normal, without −½ log 2π: weight − s − ½ ((x − m) e⁻ˢ)², for a log-weight, mean m and log-deviation s.
struct NormalTerm : Pointwise<4> {
  static constexpr auto name = "normal_term";
  template <class V> constexpr V operator()(V x, V weight, V m, V s) const {
    const V z = (x - m) * exp(-s);
    return weight - s - V(0.5) * z * z;
  }
  template <class V> static constexpr auto partials(V x, V, V m, V s) {
    const V r = exp(-s), z = (x - m) * r, slope = z * r;
    return std::array{-slope, V(1), slope, z * z - V(1)};
  }
};

/// Logistic with scale eˢ: weight − s + log σ(z) + log σ(−z), z = (x − m) e⁻ˢ.
struct LogisticTerm : Pointwise<4> {
  static constexpr auto name = "logistic_term";
  template <class V> constexpr V operator()(V x, V weight, V m, V s) const {
    const V z = (x - m) * exp(-s);
    return weight - s + log_sigmoid(z) + log_sigmoid(-z);
  }
  template <class V> static constexpr auto partials(V x, V, V m, V s) {
    const V r = exp(-s), z = (x - m) * r, t = tanh(z * V(0.5));
    return std::array{-t * r, V(1), t * r, z * t - V(1)};
  }
};

}  // namespace pf
