#pragma once
// Trigonometric functions and their inverses, in radians.

#include "tensor/ops/power.h"

namespace pf {

struct Sin : Pointwise<1> {
  static constexpr auto name = "sin";
  static constexpr bool heavy = true;
  template <class V> constexpr V operator()(V x) const { return math::sin(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{cos(x)}; }
};

struct Cos : Pointwise<1> {
  static constexpr auto name = "cos";
  static constexpr bool heavy = true;
  template <class V> constexpr V operator()(V x) const { return math::cos(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{-sin(x)}; }
};

struct Tan : Pointwise<1> {
  static constexpr auto name = "tan";
  static constexpr bool heavy = true;
  static constexpr Domain domain = {-1.3, 1.3};
  template <class V> constexpr V operator()(V x) const { return math::tan(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{V(1) + y * y}; }
};

struct Asin : Pointwise<1> {
  static constexpr auto name = "asin";
  static constexpr Domain domain = {-0.9, 0.9};
  template <class V> constexpr V operator()(V x) const { return math::asin(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{rsqrt((V(1) - x) * (V(1) + x))}; }
};

struct Acos : Pointwise<1> {
  static constexpr auto name = "acos";
  static constexpr Domain domain = {-0.9, 0.9};
  template <class V> constexpr V operator()(V x) const { return math::acos(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{-rsqrt((V(1) - x) * (V(1) + x))}; }
};

struct Atan : Pointwise<1> {
  static constexpr auto name = "atan";
  template <class V> constexpr V operator()(V x) const { return math::atan(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(1) / (V(1) + x * x)}; }
};

struct Atan2 : Pointwise<2> {
  static constexpr auto name = "atan2";
  static constexpr std::array<Domain, 2> domains = {Domain{0.3, 3}, Domain{-3, 3}};
  template <class V> constexpr V operator()(V y, V x) const { return math::atan2(y, x); }
  template <class V> static constexpr auto partials(V y, V x) {
    const V scale = V(1) / (x * x + y * y);
    return std::array{x * scale, -y * scale};
  }
};

template <ArrayOrDual A> constexpr A sin(const A& x) { return apply(Sin{}, x); }
template <ArrayOrDual A> constexpr A cos(const A& x) { return apply(Cos{}, x); }
template <ArrayOrDual A> constexpr A tan(const A& x) { return apply(Tan{}, x); }
/// In [-π/2, π/2]; NaN outside of [-1, 1].
template <ArrayOrDual A> constexpr A asin(const A& x) { return apply(Asin{}, x); }
/// In [0, π]; NaN outside of [-1, 1].
template <ArrayOrDual A> constexpr A acos(const A& x) { return apply(Acos{}, x); }
template <ArrayOrDual A> constexpr A atan(const A& x) { return apply(Atan{}, x); }
/// The angle of the point (x, y), in [-π, π].
template <class A, class B>
requires ArrayOrDualPair<A, B>
constexpr auto atan2(const A& y, const B& x) { return apply(Atan2{}, y, x); }

}  // namespace pf
