#pragma once
// The logarithm of the gamma function and its derivatives of every order.

#include "tensor/math/polygamma.h"
#include "tensor/ops/arithmetic.h"

namespace pf {

struct Lgamma : Pointwise<1> {
  static constexpr auto name = "lgamma";
  static constexpr Domain domain = {0.2, 6};
  static constexpr bool heavy = true;
  template <class V> constexpr V operator()(V x) const { return math::lgamma(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{digamma(x)}; }
};

struct Digamma : Pointwise<1> {
  static constexpr auto name = "digamma";
  static constexpr Domain domain = {0.3, 6};
  static constexpr bool heavy = true;
  template <class V> constexpr V operator()(V x) const { return math::digamma(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{trigamma(x)}; }
};

template <Operand A> constexpr A polygamma(int order, const A& x);

struct Trigamma : Pointwise<1> {
  static constexpr auto name = "trigamma";
  static constexpr Domain domain = {0.4, 6};
  static constexpr bool heavy = true;
  template <class V> constexpr V operator()(V x) const { return math::trigamma(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{polygamma(2, x)}; }
};

struct Polygamma : Pointwise<1> {
  static constexpr auto name = "polygamma";
  static constexpr Domain domain = {0.5, 6};
  static constexpr bool heavy = true;
  int order = 2;
  template <class V> constexpr V operator()(V x) const { return math::polygamma(order, x); }
  template <class V> constexpr auto partials(V x) const { return std::array{polygamma(order + 1, x)}; }
};

/// log |Γ(x)|; ∞ at 0 and the negative whole numbers.
template <ArrayOrDual A> constexpr A lgamma(const A& x) { return apply(Lgamma{}, x); }
/// d/dx log Γ(x).
template <ArrayOrDual A> constexpr A digamma(const A& x) { return apply(Digamma{}, x); }
/// d²/dx² log Γ(x).
template <ArrayOrDual A> constexpr A trigamma(const A& x) { return apply(Trigamma{}, x); }
/// The derivative of digamma of the given order ≥ 2, for x > 0; NaN below. digamma and trigamma are orders 0 and 1.
template <Operand A> constexpr A polygamma(int order, const A& x) { return apply(Polygamma{{}, order}, x); }

}  // namespace pf
