#pragma once
// The Euclidean norm.

#include "tensor/ops/power.h"
#include "tensor/ops/sum_of.h"
#include "tensor/ops/where.h"

namespace pf {

/// √Σx². Its derivative at 0, where there is none, is taken to be 0.
struct Norm {
  static constexpr auto name = "norm";
  Axes axes;
  bool keepdim = false;
  Tensor eval(const Tensor& x) const { return sqrt(SumOf<Square>{{}, axes, keepdim}.eval(x)); }
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A& x, const A& y) const {
    const Tensor zero = equal(value_of(y), 0.0);
    const A length = replaced_where(zero, 1.0, y);
    return {x * detail::spread(g / length, axes, x.shape(), name)};
  }
};

/// The length √Σx² of the vectors along the given axes, of all elements when none are given.
template <Array A> A norm(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return apply(Norm{axes, keepdim}, x);
}

}  // namespace pf
