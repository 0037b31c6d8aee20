#pragma once
// How an operation is computed on variables and recorded. Where no input is tracked nothing is recorded, and the result
// is a constant.

#include "autograd/anomaly.h"
#include "autograd/op_node.h"

namespace pf {

namespace detail {

inline bool is_tracked(const Tensor&) { return false; }
inline bool is_tracked(const Variable& x) { return x.tracked(); }

/// Kernels of pointwise formulas broadcast by themselves; the graph shows it as an operation, so that no rule has to
/// mention it. It is made before the node that has it as an input: a node is younger than its inputs.
inline bool fits(const Tensor& x, const Tensor& y) { return x.shape() == y.shape() && !x.is_literal(); }
template <Array A> Variable broadcast_operand(const A& x, const Tensor& y) {
  const bool number = value_of(x).is_literal() && !is_half(y.dtype());  // of 16 bits it would not be the same any more
  return expand(number ? Variable(cast(value_of(x), y.dtype())) : Variable(x), y.shape());
}

template <class Recorded, class Op, class... X> Variable recorded(const Op& op, Tensor&& y, const X&... x) {
  Node* node = new Recorded(op, y, x...);
  return Variable(std::move(y), NodePtr(node));
}

}  // namespace detail

template <class Op, class... X>
requires(std::same_as<X, Variable> || ...) Variable apply_array(const Op& op, const X&... x) {
  Tensor y = apply_array(op, value_of(x)...);
  if (anomaly_detection()) [[unlikely]]
    report_first_nan(Op::name, std::array{Variable(x)...}, y);
  if (!(detail::is_tracked(x) || ...) || !is_floating(y.dtype())) return Variable(std::move(y));
  using Recorded = detail::OpNode<Op, sizeof...(X)>;
  if constexpr (PointwiseFormula<Op>)
    if (!(detail::fits(value_of(x), y) && ...)) [[unlikely]]
      return detail::recorded<Recorded>(op, std::move(y), detail::broadcast_operand(x, y)...);
  return detail::recorded<Recorded>(op, std::move(y), x...);
}

template <class Op> Variable apply_list(const Op& op, std::span<const Variable> x) {
  std::vector<Tensor> values;
  values.reserve(x.size());
  bool any = false;
  for (const Variable& in : x) {
    values.push_back(in.value());
    any |= in.tracked();
  }
  Tensor y = apply_list(op, std::span<const Tensor>(values));
  if (anomaly_detection()) [[unlikely]]
    report_first_nan(Op::name, x, y);
  if (!any || !is_floating(y.dtype())) return Variable(std::move(y));
  Node* node = new detail::ListNode<Op>(op, x, y);
  return Variable(std::move(y), NodePtr(node));
}

}  // namespace pf

#include "autograd/common_nodes.h"
