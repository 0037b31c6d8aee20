#pragma once
// What an update does to one element, for the CPU's vectors and the GPU's threads. C is the type of the constants: double
// where they are computed, the element type on a GPU. V(constant) is a number or a vector of it.

#include "tensor/value.h"

namespace pf {

/// p ← p - rate · (g + decay p)
template <class C> struct SgdRule {
  C rate, decay;
  template <class To> constexpr SgdRule<To> as() const { return {To(rate), To(decay)}; }
  template <class V> constexpr void operator()(V& p, V g) const { p = p - V(rate) * (g + V(decay) * p); }
};

/// m ← μ m + g + decay p,  p ← p - rate · m, or with Nesterov's momentum p - rate · (g + μ m).
template <class C> struct MomentumRule {
  C rate, decay, momentum;
  bool nesterov;
  template <class To> constexpr MomentumRule<To> as() const { return {To(rate), To(decay), To(momentum), nesterov}; }
  template <class V> constexpr void operator()(V& p, V g, V& m) const {
    g = g + V(decay) * p;
    m = V(momentum) * m + g;
    p = p - V(rate) * (nesterov ? g + V(momentum) * m : m);
  }
};

/// Adam, see nn/optim/adam.h: `step` and `root` hold the corrections of the start from zero, √v̂ = √v · root.
template <class C> struct AdamRule {
  C beta1, rest1, beta2, rest2;  // rest = 1 - beta
  C step, root, epsilon;
  C shrink, pull;  // of the weight itself, and its share in the gradient
  template <class To> constexpr AdamRule<To> as() const {
    return {To(beta1), To(rest1), To(beta2), To(rest2), To(step), To(root), To(epsilon), To(shrink), To(pull)};
  }
  template <class V> constexpr void operator()(V& p, V g, V& m, V& v) const {
    g = g + V(pull) * p;
    m = V(beta1) * m + V(rest1) * g;
    v = V(beta2) * v + V(rest2) * (g * g);
    p = V(shrink) * p - V(step) * m / (math::sqrt(v) * V(root) + V(epsilon));
  }
};

/// a ← a + (1 - decay) (p - a)
template <class C> struct AverageRule {
  C weight;  // 1 - decay
  template <class To> constexpr AverageRule<To> as() const { return {To(weight)}; }
  template <class V> constexpr void operator()(V& a, V p) const { a = a + V(weight) * (p - a); }
};

template <class C> struct ScaleRule {
  C factor;
  template <class To> constexpr ScaleRule<To> as() const { return {To(factor)}; }
  template <class V> constexpr void operator()(V& x) const { x = x * V(factor); }
};

}  // namespace pf
