#pragma once
// The formulas of losses and log-densities, an element each; reduced in nn/loss.h.

#include "tensor/ops/activations.h"

namespace pf {

struct SquaredError : Pointwise<2> {
  static constexpr auto name = "squared_error";
  template <class V> constexpr V operator()(V a, V b) const { return (a - b) * (a - b); }
  template <class V> static constexpr auto partials(V a, V b) {
    const V twice = V(2) * (a - b);
    return std::array{twice, -twice};
  }
};

/// ½ d² up to |d| = delta, then a straight line (Huber 1964).
struct HuberError : Pointwise<2> {
  static constexpr auto name = "huber_error";
  double delta = 1;
  template <class V> constexpr V operator()(V a, V b) const {
    const V size = abs(a - b), inside = min(size, V(delta));
    return inside * (size - V(0.5) * inside);
  }
  template <class V> constexpr auto partials(V a, V b) const {
    const V slope = max(min(a - b, V(delta)), V(-delta));
    return std::array{slope, -slope};
  }
};

/// log p(x) of a coin whose logit is given: x·l - log(1 + eˡ).
struct BernoulliLogProb : Pointwise<2> {
  static constexpr auto name = "bernoulli_log_prob";
  static constexpr std::array<Domain, 2> domains = {Domain{0, 1}, Domain{-4, 4}};
  template <class V> constexpr V operator()(V x, V logit) const { return x * logit - softplus(logit); }
  template <class V> static constexpr auto partials(V x, V logit) { return std::array{logit, x - sigmoid(logit)}; }
};

/// log N(x; m, eᵛ) = -½ (log 2π + v + (x - m)² e⁻ᵛ)
struct NormalLogProb : Pointwise<3> {
  static constexpr auto name = "normal_log_prob";
  static constexpr std::array<Domain, 3> domains = {Domain{-3, 3}, Domain{-3, 3}, Domain{-2, 2}};
  template <class V> constexpr V operator()(V x, V m, V v) const {
    const V d = x - m;
    return V(-0.5) * (V(1.8378770664093454836) + v + d * d * exp(-v));
  }
  template <class V> static constexpr auto partials(V x, V m, V v) {
    const V d = x - m, scaled = d * exp(-v);
    return std::array{-scaled, scaled, V(0.5) * (d * scaled - V(1))};
  }
};

/// KL(N(m, eᵛ) ‖ N(0, 1)) = ½ (m² + eᵛ - 1 - v)
struct NormalKl : Pointwise<2> {
  static constexpr auto name = "normal_kl";
  template <class V> constexpr V operator()(V m, V v) const { return V(0.5) * (m * m + (expm1(v) - v)); }
  template <class V> static constexpr auto partials(V m, V v) { return std::array{m, V(0.5) * expm1(v)}; }
};

}  // namespace pf
