#pragma once
// Choosing between two arrays, element by element.

#include "tensor/ops/comparison.h"
#include "tensor/ops/views.h"

namespace pf {

/// Linear in both operands; the condition is part of the operation, not an input that could have a derivative.
struct Where {
  static constexpr auto name = "where";
  static constexpr bool any_type = true;
  Tensor condition;
  Tensor eval(const Tensor& a, const Tensor& b) const;
  template <Array A> std::array<A, 2> vjp(Wanted wanted, const A& g, const A&, const A&, const A&) const {
    return {wanted[0] ? apply(*this, g, A(0.0)) : A(), wanted[1] ? apply(*this, A(0.0), g) : A()};
  }
  template <Array A> A jvp(const std::array<A, 2>& tangents, const A&, const A&, const A&) const {
    return apply(*this, tangents[0], tangents[1]);
  }
};

namespace detail {
template <class A, class B> struct WhereResult : Stronger<A, B> {};
template <class A, class B>
requires std::is_arithmetic_v<typename Stronger<A, B>::type>
struct WhereResult<A, B> : std::type_identity<Tensor> {
};
/// Numbers in a formula stay what they are: nothing flows back to them.
template <Array A> A expand_operand(const A& x, const Shape& shape) {
  return value_of(x).is_literal() ? x : expand(x, shape);
}
}  // namespace detail

/// a where the condition (bool) is true, else b; all three are broadcast.
template <class A, class B>
requires OperandPair<A, B>
constexpr auto where(const Tensor& condition, const A& a, const B& b) {
  using Result = typename detail::WhereResult<A, B>::type;
  const Result x(a), y(b);
  const Shape shape = broadcast(broadcast(x.shape(), y.shape(), Where::name), condition.shape(), Where::name);
  return apply(Where{condition}, detail::expand_operand(x, shape), detail::expand_operand(y, shape));
}

/// The name of `where` in formulas, which is the same for numbers, SIMD vectors and arrays.
template <class A, class B>
requires OperandPair<A, B>
constexpr auto select(const Tensor& mask, const A& a, const B& b) { return where(mask, a, b); }

/// where(mask, value, y). The pass over y is left out where no element is replaced, but not if looking for one would wait for
/// a GPU or end a recording.
template <Array A> A replaced_where(const Tensor& mask, double value, const A& y) {
  const bool look = !mask.device().is_cuda() && !detail::watching;
  return look && !any(mask) ? y : where(mask, value, y);
}

}  // namespace pf
