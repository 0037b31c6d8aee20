#pragma once
// The parts that the catalogue is put together from, and what its lines are written with.

#include "autograd/catalogue.h"

namespace pf::detail {

std::vector<OpEntry> pointwise_entries();         // from the list of formulas
std::vector<OpEntry> structural_entries();        // views, indexing, reductions, softmax …
std::vector<OpEntry> algebra_entries();           // matrix products, factorisations, fused operations
std::vector<OpEntry> undifferentiable_entries();  // integer and truth-valued results

/// Which rule the struct states.
template <class Op, int N> std::string kind_of() {
  using Each = std::make_index_sequence<size_t(N)>;
  if constexpr (PointwiseFormula<Op>) return "pointwise";
  else if constexpr (has_composite<Op>(Each{}) || has_fused_vjp<Op>(Each{})) return "fused";
  else if constexpr (LinearOp<Op>) return "linear";
  else if constexpr (requires { Op::bilinear; }) return "bilinear";
  else if constexpr (has_general_vjp<Op, Tensor>(Each{})) return "general";
  else return "list";
}

using Inputs = std::span<const Variable>;
using Skips = std::map<std::string, std::string>;

/// An operation with a struct of N inputs.
template <class Op, int N = 1>
OpEntry entry(std::string description, ListMap apply, std::vector<OpSample> samples, Skips skipped = {}) {
  return {Op::name,          std::string(struct_name<Op>()),
          kind_of<Op, N>(),  std::move(description),
          std::move(apply),  std::move(samples),
          std::move(skipped)};
}
/// A function that is made of other operations.
inline OpEntry composite(std::string name, std::string description, ListMap apply, std::vector<OpSample> samples,
                         Skips skipped = {}) {
  return {std::move(name),   "", "composite", std::move(description), std::move(apply), std::move(samples),
          std::move(skipped)};
}

/// The same numbers every time, for what an operation is given beside its inputs: 0, 1, …, below − 1, 0, 1, …
Tensor cycle(const Shape& shape, int64_t below, Device device);

inline const std::string needs_axes = "needs an axis to work along";
inline const std::string needs_elements = "there is no such element of nothing";

}  // namespace pf::detail
