#pragma once
// Powers and roots.

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/where.h"

namespace pf {

struct Square : Pointwise<1> {
  static constexpr auto name = "square";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V x) const { return x * x; }
  template <class V> static constexpr auto partials(V x) { return std::array{V(2) * x}; }
};

struct Cube : Pointwise<1> {
  static constexpr auto name = "cube";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V x) const { return x * x * x; }
  template <class V> static constexpr auto partials(V x) { return std::array{V(3) * x * x}; }
};

struct Sqrt : Pointwise<1> {
  static constexpr auto name = "sqrt";
  static constexpr Domain domain = {0.1, 5};
  template <class V> constexpr V operator()(V x) const { return math::sqrt(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{V(0.5) / y}; }
};

struct Rsqrt : Pointwise<1> {
  static constexpr auto name = "rsqrt";
  static constexpr Domain domain = {0.2, 5};
  template <class V> constexpr V operator()(V x) const { return V(1) / sqrt(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{V(-0.5) * y * y * y}; }
};

struct Reciprocal : Pointwise<1> {
  static constexpr auto name = "reciprocal";
  static constexpr Domain domain = {0.3, 3};
  template <class V> constexpr V operator()(V x) const { return V(1) / x; }
  template <class V> static constexpr auto partials(V, V y) { return std::array{-y * y}; }
};

struct Pow : Pointwise<2> {
  static constexpr auto name = "pow";
  static constexpr bool heavy = true;
  static constexpr std::array<Domain, 2> domains = {Domain{0.2, 3}, Domain{-2, 3}};
  template <class V> constexpr V operator()(V a, V b) const { return math::pow(a, b); }
  template <class V> static constexpr auto partials(V a, V b, V y) {
    // At a = 0 the derivatives exist where b > 0, or are those of the constant a⁰; the logarithm is kept from being
    // -∞, and 0⁻¹ from being multiplied by 0.
    const auto zero = equal(a, V(0));
    return std::array{b * pow(a, select(zero && equal(b, V(0)), V(1), b - V(1))), y * log(select(zero, V(1), a))};
  }
};

/// xᵉ for a fixed exponent.
struct PowConstant : Pointwise<1> {
  static constexpr auto name = "pow";
  static constexpr Domain domain = {0.2, 3};
  double exponent = 2.5;
  template <class V> constexpr V operator()(V x) const { return math::pow(x, V(exponent)); }
  template <class V> constexpr auto partials(V x) const {
    return std::array{V(exponent) * pow(x, exponent == 0 ? 1.0 : exponent - 1)};
  }
};

/// x²
template <Operand A> constexpr A square(const A& x) { return apply(Square{}, x); }
/// x³
template <Operand A> constexpr A cube(const A& x) { return apply(Cube{}, x); }
/// The square root; NaN below 0. Its derivative at 0 is ∞.
template <ArrayOrDual A> constexpr A sqrt(const A& x) { return apply(Sqrt{}, x); }
/// 1 / √x
template <Operand A> constexpr A rsqrt(const A& x) { return apply(Rsqrt{}, x); }
/// 1 / x
template <Operand A> constexpr A reciprocal(const A& x) { return apply(Reciprocal{}, x); }
/// aᵇ. A negative a has a power (and a derivative in a) for whole b only.
template <class A, class B>
requires ArrayOrDualPair<A, B>
constexpr auto pow(const A& a, const B& b) {
  if constexpr (std::is_arithmetic_v<B>) {
    if (b == 2) return apply(Square{}, a);
    if (b == 3) return apply(Cube{}, a);
    if (b == -1) return apply(Reciprocal{}, a);
    return apply(PowConstant{{}, double(b)}, a);
  } else {
    return apply(Pow{}, a, b);
  }
}

}  // namespace pf
