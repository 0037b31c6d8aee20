#pragma once
// Hyperbolic functions and their inverses.

#include "tensor/ops/power.h"

namespace pf {

struct Sinh : Pointwise<1> {
  static constexpr auto name = "sinh";
  template <class V> constexpr V operator()(V x) const { return math::sinh(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{cosh(x)}; }
};

struct Cosh : Pointwise<1> {
  static constexpr auto name = "cosh";
  template <class V> constexpr V operator()(V x) const { return math::cosh(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{sinh(x)}; }
};

struct Tanh : Pointwise<1> {
  static constexpr auto name = "tanh";
  template <class V> constexpr V operator()(V x) const { return math::tanh(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{V(1) - y * y}; }
};

struct Asinh : Pointwise<1> {
  static constexpr auto name = "asinh";
  template <class V> constexpr V operator()(V x) const { return math::asinh(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{rsqrt(V(1) + x * x)}; }
};

struct Acosh : Pointwise<1> {
  static constexpr auto name = "acosh";
  static constexpr Domain domain = {1.2, 5};
  template <class V> constexpr V operator()(V x) const { return math::acosh(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{rsqrt((x - V(1)) * (x + V(1)))}; }
};

struct Atanh : Pointwise<1> {
  static constexpr auto name = "atanh";
  static constexpr Domain domain = {-0.9, 0.9};
  template <class V> constexpr V operator()(V x) const { return math::atanh(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(1) / ((V(1) - x) * (V(1) + x))}; }
};

template <ArrayOrDual A> constexpr A sinh(const A& x) { return apply(Sinh{}, x); }
template <ArrayOrDual A> constexpr A cosh(const A& x) { return apply(Cosh{}, x); }
template <ArrayOrDual A> constexpr A tanh(const A& x) { return apply(Tanh{}, x); }
template <ArrayOrDual A> constexpr A asinh(const A& x) { return apply(Asinh{}, x); }
/// NaN below 1.
template <ArrayOrDual A> constexpr A acosh(const A& x) { return apply(Acosh{}, x); }
/// ±∞ at ±1, NaN beyond.
template <ArrayOrDual A> constexpr A atanh(const A& x) { return apply(Atanh{}, x); }

}  // namespace pf
