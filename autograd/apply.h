#pragma once
// How an operation is computed on variables and recorded. Where no input is tracked nothing is recorded, and the result
// is a constant.

#include "autograd/anomaly.h"
#include "autograd/op_node.h"

namespace pf {

namespace detail {

inline bool is_tracked(const Tensor&) { return false; }
inline bool is_tracked(const Variable& x) { return x.tracked(); }

}  // namespace detail

template <class Op, class... X>
requires(std::same_as<X, Variable> || ...) Variable apply_array(const Op& op, const X&... x) {
  Tensor y = apply_array(op, value_of(x)...);
  if (anomaly_detection()) [[unlikely]]
    report_first_nan(Op::name, std::array{Variable(x)...}, y);
  if (!(detail::is_tracked(x) || ...) || !is_floating(y.dtype())) return Variable(std::move(y));
  Node* node = new detail::OpNode<Op, sizeof...(X)>(op, y, x...);
  return Variable(std::move(y), NodePtr(node));
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
