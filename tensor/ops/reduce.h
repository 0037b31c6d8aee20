#pragma once
// Sums and means over axes. Sums are taken in blocks that are added pairwise, always in the same order: accurate for
// millions of terms, and the same bits for any number of threads.

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/views.h"

namespace pf {

namespace detail {
/// The shape after a reduction, the reduced axes kept with size 1 or dropped.
Shape reduced_shape(const Shape& shape, const Axes& axes, bool keepdim, const char* op);
/// How many elements go into each result.
int64_t reduced_count(const Shape& shape, const Axes& axes, const char* op);
/// A reduced array spread over the shape it came from.
template <Array A> A spread(const A& y, const Axes& axes, const Shape& shape, const char* op) {
  return expand(reshape(y, reduced_shape(shape, axes, true, op)), shape);
}
}  // namespace detail

struct Sum {
  static constexpr auto name = "sum";
  static constexpr bool any_type = true;  // on a GPU they are read as they are
  Axes axes;
  bool keepdim = false;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape& x) const { return detail::spread(g, axes, x, name); }
};

struct Mean {
  static constexpr auto name = "mean";
  static constexpr bool any_type = true;  // on a GPU they are read as they are
  Axes axes;
  bool keepdim = false;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape& x) const {
    return detail::spread(g * (1.0 / double(detail::reduced_count(x, axes, name))), axes, x, name);
  }
};

/// Sums over what `expand` repeated, back to the given shape: the adjoint of expand.
struct SumTo {
  static constexpr auto name = "sum_to";
  static constexpr bool any_type = true;  // on a GPU they are read as they are
  Shape shape;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape& x) const { return expand(g, x); }
};

/// The sum over the given axes, over all when none are given. The sum of nothing is 0.
template <Array A> A sum(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return apply(Sum{axes, keepdim}, x);
}
/// The mean over the given axes, over all when none are given.
template <Array A> A mean(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return apply(Mean{axes, keepdim}, x);
}
/// x summed to a shape from which it could have been expanded.
template <Array A> A sum_to(const A& x, const Shape& shape) { return x.shape() == shape ? x : apply(SumTo{shape}, x); }

/// The mean squared distance from the mean; the sum of squares is divided by (count - correction): 0 for the variance
/// of the given numbers, 1 (the default) for the estimate from a sample.
template <Array A> A var(const A& x, const Axes& axes = {}, double correction = 1, bool keepdim = false) {
  const double n = double(detail::reduced_count(x.shape(), axes, "var"));
  check(n > correction, "var: ", x.shape(), ": ", int64_t(n), " elements in each result and correction ", correction,
        ": expected more elements than the correction");
  const A centred = x - mean(x, axes, true);
  return sum(centred * centred, axes, keepdim) * (1 / (n - correction));
}

}  // namespace pf
