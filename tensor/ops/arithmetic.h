#pragma once
#include "tensor/ops/op.h"

namespace pf {

struct Add : Pointwise<2> {
  static constexpr auto name = "add";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V a, V b) const { return a + b; }
  static constexpr std::array<double, 2> slopes = {1, 1};
  template <class V> static constexpr auto partials(V, V) { return std::array{V(1), V(1)}; }
};

struct Sub : Pointwise<2> {
  static constexpr auto name = "sub";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V a, V b) const { return a - b; }
  static constexpr std::array<double, 2> slopes = {1, -1};
  template <class V> static constexpr auto partials(V, V) { return std::array{V(1), V(-1)}; }
};

struct Mul : Pointwise<2> {
  static constexpr auto name = "mul";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V a, V b) const { return a * b; }
  template <class V> static constexpr auto partials(V a, V b) { return std::array{b, a}; }
};

struct Div : Pointwise<2> {
  static constexpr auto name = "div";
  static constexpr std::array<Domain, 2> domains = {Domain{-3, 3}, Domain{0.5, 3}};
  template <class V> constexpr V operator()(V a, V b) const { return a / b; }
  template <class V> static constexpr auto partials(V, V b, V y) { return std::array{V(1) / b, -y / b}; }
};

struct Neg : Pointwise<1> {
  static constexpr auto name = "neg";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V x) const { return -x; }
  static constexpr std::array<double, 1> slopes = {-1};
  template <class V> static constexpr auto partials(V) { return std::array{V(-1)}; }
};

/// factor · x, for a fixed number.
struct Scale : Pointwise<1> {
  static constexpr auto name = "scale";
  double factor = 1.5;
  template <class V> constexpr V operator()(V x) const { return x * V(factor); }
  template <class V> constexpr auto partials(V) const { return std::array{V(factor)}; }
};

/// x + number, for a fixed number.
struct Shift : Pointwise<1> {
  static constexpr auto name = "shift";
  double amount = 1.5;
  template <class V> constexpr V operator()(V x) const { return x + V(amount); }
  static constexpr std::array<double, 1> slopes = {1};
  template <class V> static constexpr auto partials(V) { return std::array{V(1)}; }
};

template <class A, class B>
requires OperandPair<A, B>
constexpr auto add(const A& a, const B& b) { return apply(Add{}, a, b); }
template <class A, class B>
requires OperandPair<A, B>
constexpr auto sub(const A& a, const B& b) { return apply(Sub{}, a, b); }
template <class A, class B>
requires OperandPair<A, B>
constexpr auto mul(const A& a, const B& b) { return apply(Mul{}, a, b); }
template <class A, class B>
requires OperandPair<A, B>
constexpr auto div(const A& a, const B& b) { return apply(Div{}, a, b); }
template <Operand A> constexpr A neg(const A& x) { return apply(Neg{}, x); }

// Operators are for arrays and duals; numbers and SIMD vectors have their own.

template <class A, class B>
requires ArrayOrDualPair<A, B>
constexpr auto operator+(const A& a, const B& b) { return apply(Add{}, a, b); }
template <class A, class B>
requires ArrayOrDualPair<A, B>
constexpr auto operator-(const A& a, const B& b) { return apply(Sub{}, a, b); }
template <class A, class B>
requires ArrayOrDualPair<A, B>
constexpr auto operator*(const A& a, const B& b) {
  // A number times a floating-point array needs no second operand in memory.
  if constexpr (Array<A> && std::is_arithmetic_v<B>) {
    if (is_floating(a.dtype())) return apply(Scale{{}, double(b)}, a);
  } else if constexpr (std::is_arithmetic_v<A> && Array<B>) {
    if (is_floating(b.dtype())) return apply(Scale{{}, double(a)}, b);
  }
  return apply(Mul{}, a, b);
}
template <class A, class B>
requires ArrayOrDualPair<A, B>
constexpr auto operator/(const A& a, const B& b) { return apply(Div{}, a, b); }
template <ArrayOrDual A> constexpr A operator-(const A& x) { return apply(Neg{}, x); }
/// Gives back a new value under the old name; nobody else's view of the old one changes.
template <Array A, class B>
requires ArrayOrDualPair<A, B> A& operator+=(A& a, const B& b) { return a = a + b; }
template <Array A, class B>
requires ArrayOrDualPair<A, B> A& operator-=(A& a, const B& b) { return a = a - b; }
template <Array A, class B>
requires ArrayOrDualPair<A, B> A& operator*=(A& a, const B& b) { return a = a * b; }

}  // namespace pf
