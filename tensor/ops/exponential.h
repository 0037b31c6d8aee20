#pragma once
// Exponentials and logarithms.

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/where.h"

namespace pf {

struct Exp : Pointwise<1> {
  static constexpr auto name = "exp";
  template <class V> constexpr V operator()(V x) const { return math::exp(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{y}; }
};

struct Exp2 : Pointwise<1> {
  static constexpr auto name = "exp2";
  template <class V> constexpr V operator()(V x) const { return math::exp2(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{y * V(0.693147180559945309417)}; }
};

struct Expm1 : Pointwise<1> {
  static constexpr auto name = "expm1";
  template <class V> constexpr V operator()(V x) const { return math::expm1(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{y + V(1)}; }
};

struct Log : Pointwise<1> {
  static constexpr auto name = "log";
  static constexpr Domain domain = {0.1, 5};
  template <class V> constexpr V operator()(V x) const { return math::log(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(1) / x}; }
};

struct Log2 : Pointwise<1> {
  static constexpr auto name = "log2";
  static constexpr Domain domain = {0.1, 5};
  template <class V> constexpr V operator()(V x) const { return math::log2(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(1.44269504088896340736) / x}; }
};

struct Log10 : Pointwise<1> {
  static constexpr auto name = "log10";
  static constexpr Domain domain = {0.1, 5};
  template <class V> constexpr V operator()(V x) const { return math::log10(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(0.434294481903251827651) / x}; }
};

struct Log1p : Pointwise<1> {
  static constexpr auto name = "log1p";
  static constexpr Domain domain = {-0.9, 5};
  template <class V> constexpr V operator()(V x) const { return math::log1p(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(1) / (V(1) + x)}; }
};

struct Log1mExp : Pointwise<1> {
  static constexpr auto name = "log1mexp";
  static constexpr Domain domain = {-5, -0.1};
  template <class V> constexpr V operator()(V x) const { return math::log1mexp(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(-1) / expm1(-x)}; }
};

struct LogAddExp : Pointwise<2> {
  static constexpr auto name = "logaddexp";
  template <class V> constexpr V operator()(V a, V b) const { return math::logaddexp(a, b); }
  template <class V> static constexpr auto partials(V a, V b, V y) {
    // Two equal infinities have no difference; each has half of the derivative then.
    const V d = select(isinf(y) && equal(a, b), V(0), a - b);
    return std::array{sigmoid(d), sigmoid(-d)};
  }
};

/// eˣ
template <ArrayOrDual A> constexpr A exp(const A& x) { return apply(Exp{}, x); }
/// 2ˣ
template <ArrayOrDual A> constexpr A exp2(const A& x) { return apply(Exp2{}, x); }
/// eˣ − 1, accurate near 0.
template <ArrayOrDual A> constexpr A expm1(const A& x) { return apply(Expm1{}, x); }
/// The natural logarithm; -∞ at 0, NaN below.
template <ArrayOrDual A> constexpr A log(const A& x) { return apply(Log{}, x); }
template <ArrayOrDual A> constexpr A log2(const A& x) { return apply(Log2{}, x); }
template <ArrayOrDual A> constexpr A log10(const A& x) { return apply(Log10{}, x); }
/// log(1 + x), accurate near 0.
template <ArrayOrDual A> constexpr A log1p(const A& x) { return apply(Log1p{}, x); }
/// log(1 − eˣ) for x ≤ 0, accurate near 0 and far from it: the logarithm of a complementary probability.
template <ArrayOrDual A> constexpr A log1mexp(const A& x) { return apply(Log1mExp{}, x); }
/// log(eᵃ + eᵇ) without overflow.
template <class A, class B>
requires ArrayOrDualPair<A, B>
constexpr auto logaddexp(const A& a, const B& b) { return apply(LogAddExp{}, a, b); }

}  // namespace pf
