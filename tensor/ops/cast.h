#pragma once
// Elements of another type, as an operation: the derivative comes back in the type that it left in.

#include "tensor/ops/op.h"

namespace pf {

struct Cast {
  static constexpr auto name = "cast";
  static constexpr bool any_type = true;
  DType from, to;
  Tensor eval(const Tensor& x) const { return pf::cast(x, to); }
  template <Array A> A adjoint(const A& g, const Shape&) const { return apply(Cast{to, from}, g); }
};

/// As the function on tensors (tensor/tensor.h), recorded. Integers and truth values have no derivative.
template <Array A>
requires(!std::same_as<A, Tensor>) A cast(const A& x, DType dtype) {
  return x.dtype() == dtype && !value_of(x).is_literal() ? x : apply(Cast{x.dtype(), dtype}, x);
}

}  // namespace pf
