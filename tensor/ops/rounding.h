#pragma once
// Rounding, sign and size.

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/where.h"

namespace pf {

struct Floor : Pointwise<1> {
  static constexpr auto name = "floor";
  static constexpr Domain domain = {-0.9, 1.9, {0, 1}};
  template <class V> constexpr V operator()(V x) const { return math::floor(x); }
  template <class V> static constexpr auto partials(V) { return std::array{V(0)}; }
};

struct Ceil : Pointwise<1> {
  static constexpr auto name = "ceil";
  static constexpr Domain domain = {-0.9, 1.9, {0, 1}};
  template <class V> constexpr V operator()(V x) const { return math::ceil(x); }
  template <class V> static constexpr auto partials(V) { return std::array{V(0)}; }
};

struct Round : Pointwise<1> {
  static constexpr auto name = "round";
  static constexpr Domain domain = {-1.4, 1.4, {-0.5, 0.5}};
  template <class V> constexpr V operator()(V x) const { return math::round(x); }
  template <class V> static constexpr auto partials(V) { return std::array{V(0)}; }
};

struct Trunc : Pointwise<1> {
  static constexpr auto name = "trunc";
  static constexpr Domain domain = {-1.9, 1.9, {-1, 1}};
  template <class V> constexpr V operator()(V x) const { return math::trunc(x); }
  template <class V> static constexpr auto partials(V) { return std::array{V(0)}; }
};

struct Sign : Pointwise<1> {
  static constexpr auto name = "sign";
  static constexpr Domain domain = {-3, 3, {0}};
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V x) const { return select(x > V(0), V(1), select(x < V(0), V(-1), x)); }
  template <class V> static constexpr auto partials(V) { return std::array{V(0)}; }
};

template <Operand A> constexpr A sign(const A& x);

struct Abs : Pointwise<1> {
  static constexpr auto name = "abs";
  static constexpr Domain domain = {-3, 3, {0}};
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V x) const { return abs(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{sign(x)}; }
};

struct Clamp : Pointwise<1> {
  static constexpr auto name = "clamp";
  static constexpr Domain domain = {-3, 3, {-1, 1}};
  double low = -1, high = 1;
  template <class V> constexpr V operator()(V x) const { return min(max(x, V(low)), V(high)); }
  template <class V> constexpr auto partials(V x) const {
    return std::array{select(x < V(low) || x > V(high), V(0), V(1))};
  }
};

struct Remainder : Pointwise<2> {
  static constexpr auto name = "remainder";
  static constexpr bool heavy = true;
  static constexpr std::array<Domain, 2> domains = {Domain{3.2, 3.8}, Domain{1.3, 1.5}};
  template <class V> constexpr V operator()(V a, V b) const { return a - floor(a / b) * b; }
  template <class V> static constexpr auto partials(V a, V b) { return std::array{V(1), -floor(a / b)}; }
};

// The derivatives of the first five are 0 wherever they exist.

/// The next whole number below.
template <ArrayOrDual A> constexpr A floor(const A& x) { return apply(Floor{}, x); }
/// The next whole number above.
template <ArrayOrDual A> constexpr A ceil(const A& x) { return apply(Ceil{}, x); }
/// The nearest whole number, halves to the even one.
template <ArrayOrDual A> constexpr A round(const A& x) { return apply(Round{}, x); }
/// The next whole number toward 0.
template <ArrayOrDual A> constexpr A trunc(const A& x) { return apply(Trunc{}, x); }
/// -1, 0 or 1; NaN stays.
template <Operand A> constexpr A sign(const A& x) { return apply(Sign{}, x); }
/// |x|, with derivative 0 at 0.
template <ArrayOrDual A> constexpr A abs(const A& x) { return apply(Abs{}, x); }
/// x limited to [low, high], with derivative 1 at the limits; NaN stays.
template <Operand A> constexpr A clamp(const A& x, double low, double high) {
  check(low <= high, "clamp: low ", low, " is above high ", high);
  return apply(Clamp{{}, low, high}, x);
}
/// a − b·floor(a / b): with the sign of b, as % in Python. Accurate while a / b is far below 2²⁴ (float64: 2⁵³).
template <class A, class B>
requires OperandPair<A, B>
constexpr auto remainder(const A& a, const B& b) { return apply(Remainder{}, a, b); }

}  // namespace pf
