#pragma once
// The larger and the smaller of two operands. (Of the elements of one array: tensor/ops/argmax.h.)

#include "tensor/ops/where.h"

namespace pf {

struct Maximum : Pointwise<2> {
  static constexpr auto name = "maximum";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V a, V b) const { return max(a, b); }
  template <class V> static constexpr auto partials(V a, V b) {
    const V first = select(a > b, V(1), select(a < b, V(0), V(0.5)));
    return std::array{first, V(1) - first};
  }
};

struct Minimum : Pointwise<2> {
  static constexpr auto name = "minimum";
  static constexpr bool integers = true;
  template <class V> constexpr V operator()(V a, V b) const { return min(a, b); }
  template <class V> static constexpr auto partials(V a, V b) {
    const V first = select(a < b, V(1), select(a > b, V(0), V(0.5)));
    return std::array{first, V(1) - first};
  }
};

/// The larger of the two; NaN where either is. Where they are equal, each has half of the derivative.
template <class A, class B>
requires OperandPair<A, B>
constexpr auto maximum(const A& a, const B& b) { return apply(Maximum{}, a, b); }
/// The smaller of the two; NaN where either is. Where they are equal, each has half of the derivative.
template <class A, class B>
requires OperandPair<A, B>
constexpr auto minimum(const A& a, const B& b) { return apply(Minimum{}, a, b); }

/// The names of maximum and minimum in formulas. An integer beside an array is not an operand here: max(x, -1) is the
/// reduction over the last axis.
template <class A, class B>
requires(ArrayOrDualPair<A, B> && !std::integral<A> && !std::integral<B>) constexpr auto max(const A& a, const B& b) {
  return apply(Maximum{}, a, b);
}
template <class A, class B>
requires(ArrayOrDualPair<A, B> && !std::integral<A> && !std::integral<B>) constexpr auto min(const A& a, const B& b) {
  return apply(Minimum{}, a, b);
}

}  // namespace pf
