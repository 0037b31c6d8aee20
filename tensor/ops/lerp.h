#pragma once
#include "tensor/ops/arithmetic.h"

namespace pf {

struct Lerp : Pointwise<3> {
  static constexpr auto name = "lerp";
  template <class V> constexpr V operator()(V a, V b, V t) const { return a + t * (b - a); }
  template <class V> static constexpr auto partials(V a, V b, V t) { return std::array{V(1) - t, t, b - a}; }
};

/// The point between a (t = 0) and b (t = 1).
template <class A, class B, class C>
requires(OperandPair<A, B>&& OperandPair<A, C>&& OperandPair<B, C>) constexpr auto lerp(const A& a, const B& b,
                                                                                        const C& t) {
  return apply(Lerp{}, a, b, t);
}

}  // namespace pf
