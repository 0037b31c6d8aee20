#pragma once
// The largest and the smallest element along axes, and where they are. (Of two operands: tensor/ops/extremum.h.)

#include "tensor/ops/index.h"
#include "tensor/ops/reduce.h"

namespace pf {

/// Where the extreme element is, counted in row-major order over the reduced axes: int64, the first of equal ones, a
/// NaN before everything.
Tensor arg_extreme(bool largest, const Tensor& x, const Axes& axes, bool keepdim);

namespace detail {
/// Axes in the order kept, reduced: how an array is seen as rows of the elements that go together.
struct RowsOfReduction {
  Shape order, inverse;  // to that order and back
  Shape kept, reduced;   // sizes
  RowsOfReduction(const Shape& shape, const Axes& axes, const char* op);
};
/// x as [kept…, n]: a view where the reduced axes are last.
template <Array A> A as_rows(const A& x, const RowsOfReduction& rows) {
  Shape shape = rows.kept;
  shape.push_back(rows.reduced.numel());
  return reshape(permute(x, rows.order), shape);
}
/// The inverse of as_rows.
template <Array A> A from_rows(const A& x, const RowsOfReduction& rows) {
  Shape shape = rows.kept;
  for (int64_t size : rows.reduced) shape.push_back(size);
  return permute(reshape(x, shape), rows.inverse);
}
}  // namespace detail

template <bool largest> struct Extreme {
  static constexpr auto name = largest ? "max" : "min";
  Axes axes;
  bool keepdim = false;
  Tensor eval(const Tensor& x) const;
  /// All of the derivative goes to the first extreme element.
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A& x, const A&) const {
    const detail::RowsOfReduction rows(x.shape(), axes, name);
    Shape one = rows.kept, all = rows.kept;
    one.push_back(1);
    all.push_back(rows.reduced.numel());
    const Tensor index = reshape(arg_extreme(largest, value_of(x), axes, false), one);
    return {detail::from_rows(apply(ScatterAdd{all, one.rank() - 1, index}, reshape(g, one)), rows)};
  }
};

/// The largest element over the given axes, over all when none are given; NaN where there is one.
template <Array A> A max(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return apply(Extreme<true>{axes, keepdim}, x);
}
/// The smallest element over the given axes, over all when none are given; NaN where there is one.
template <Array A> A min(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return apply(Extreme<false>{axes, keepdim}, x);
}
/// The position of the largest element (int64), the first of equal ones; over several axes counted in row-major order.
template <Array A> Tensor argmax(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return arg_extreme(true, value_of(x), axes, keepdim);
}
/// The position of the smallest element (int64), the first of equal ones; over several axes counted in row-major order.
template <Array A> Tensor argmin(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return arg_extreme(false, value_of(x), axes, keepdim);
}

}  // namespace pf
