#pragma once
// How an operation is computed on variables and recorded. Where no input is tracked nothing is recorded, and the result is
// a constant.

#include "autograd/anomaly.h"
#include "autograd/op_node.h"

namespace pf {

namespace detail {

inline bool is_tracked(const Tensor&) { return false; }
inline bool is_tracked(const Variable& x) { return x.tracked(); }

/// What a node of this operation keeps of an input: all of it, or only where it came from.
template <class Op>
Variable kept_input(const Tensor& x) {
  return reads_inputs<Op> ? x : shape_only(x);
}
template <class Op>
Variable kept_input(const Variable& x) {
  if constexpr (reads_inputs<Op>) return x;
  else return Variable(shape_only(x.value()), NodePtr(x.node()));
}

/// Kernels broadcast by themselves; the graph shows it as an operation, so that no rule has to mention it.
template <class Op, Array A>
Variable kept_operand(const A& x, const Tensor& y) {
  const Tensor& value = value_of(x);
  if (value.shape() == y.shape() && !value.is_literal()) [[likely]]
    return kept_input<Op>(x);
  const Variable spread = expand(value.is_literal() ? Variable(cast(value, y.dtype())) : Variable(x), y.shape());
  return kept_input<Op>(spread);
}

}  // namespace detail

template <class Op, class... X>
  requires(std::same_as<X, Variable> || ...)
Variable apply_array(const Op& op, const X&... x) {
  Tensor y = apply_array(op, value_of(x)...);
  if (anomaly_detection()) [[unlikely]]
    report_first_nan(Op::name, std::array{Variable(x)...}, y);
  if (!(detail::is_tracked(x) || ...) || !is_floating(y.dtype())) return Variable(std::move(y));
  constexpr size_t N = sizeof...(X);
  Node* node;
  if constexpr (PointwiseFormula<Op>) {
    node = new detail::OpNode<Op, N>(op, std::array<Variable, N>{detail::kept_operand<Op>(x, y)...}, y);
  } else {
    node = new detail::OpNode<Op, N>(op, std::array<Variable, N>{detail::kept_input<Op>(x)...}, y);
  }
  return Variable(std::move(y), NodePtr(node));
}

template <class Op>
Variable apply_list(const Op& op, std::span<const Variable> x) {
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
