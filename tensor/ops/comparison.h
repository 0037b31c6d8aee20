#pragma once
// Comparisons and tests of arrays. They look at plain values and give bool tensors: what has no derivative cannot be
// differentiated by accident. Formulas write `select(x > V(0), a, b)` (tensor/ops/where.h).

#include "tensor/ops/op.h"

namespace pf {

enum class Comparison { less, less_equal, greater, greater_equal, equal, not_equal };
enum class FloatTest { nan, infinite, finite };

/// One truth value an element, with broadcasting. bool tensors can only be tested for equality.
Tensor compare(Comparison comparison, const Tensor& a, const Tensor& b);
Tensor test_elements(FloatTest test, const Tensor& x);

/// An array and another one or a number.
template <class A, class B>
concept ArrayPair = OperandPair<A, B> &&(Array<A> || Array<B>);

namespace detail {
template <class X> decltype(auto) plain_value(const X& x) {
  if constexpr (std::is_arithmetic_v<X>) return Tensor(double(x));
  else return value_of(x);
}
template <class A, class B> Tensor compare_values(Comparison comparison, const A& a, const B& b) {
  return compare(comparison, plain_value(a), plain_value(b));
}
}  // namespace detail

template <class A, class B>
requires ArrayPair<A, B> Tensor less(const A& a, const B& b) { return detail::compare_values(Comparison::less, a, b); }
template <class A, class B>
requires ArrayPair<A, B> Tensor less_equal(const A& a, const B& b) {
  return detail::compare_values(Comparison::less_equal, a, b);
}
template <class A, class B>
requires ArrayPair<A, B> Tensor greater(const A& a, const B& b) {
  return detail::compare_values(Comparison::greater, a, b);
}
template <class A, class B>
requires ArrayPair<A, B> Tensor greater_equal(const A& a, const B& b) {
  return detail::compare_values(Comparison::greater_equal, a, b);
}
/// As functions only: `==` between tensors would not be the one truth value that its readers expect.
template <class A, class B>
requires ArrayPair<A, B> Tensor equal(const A& a, const B& b) {
  return detail::compare_values(Comparison::equal, a, b);
}
template <class A, class B>
requires ArrayPair<A, B> Tensor not_equal(const A& a, const B& b) {
  return detail::compare_values(Comparison::not_equal, a, b);
}

template <class A, class B>
requires ArrayPair<A, B> Tensor operator<(const A& a, const B& b) { return less(a, b); }
template <class A, class B>
requires ArrayPair<A, B> Tensor operator<=(const A& a, const B& b) { return less_equal(a, b); }
template <class A, class B>
requires ArrayPair<A, B> Tensor operator>(const A& a, const B& b) { return greater(a, b); }
template <class A, class B>
requires ArrayPair<A, B> Tensor operator>=(const A& a, const B& b) { return greater_equal(a, b); }

/// `equal` in a formula, for numbers and SIMD vectors.
template <Value V> constexpr mask_t<V> equal(V a, V b) { return a == b; }

template <Array A> Tensor isnan(const A& x) { return test_elements(FloatTest::nan, value_of(x)); }
template <Array A> Tensor isinf(const A& x) { return test_elements(FloatTest::infinite, value_of(x)); }
template <Array A> Tensor isfinite(const A& x) { return test_elements(FloatTest::finite, value_of(x)); }

// On bool tensors --------------------------------------------------------------------------------------------------

Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
inline Tensor operator&&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
inline Tensor operator||(const Tensor& a, const Tensor& b) { return logical_or(a, b); }
inline Tensor operator!(const Tensor& x) { return logical_not(x); }

/// Whether every element is true; so it is where there are none.
bool all(const Tensor& mask);
/// Whether some element is true.
bool any(const Tensor& mask);

}  // namespace pf
