#pragma once
// Running sums, and products.

#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"

namespace pf {

struct Cumsum {
  static constexpr auto name = "cumsum";
  int axis = 0;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape&) const { return flip(cumsum(flip(g, axis), axis), axis); }
};

/// The product along one axis. Its derivative is taken through products of halves, which zeros do not disturb.
struct Prod {
  static constexpr auto name = "prod";
  int axis = 0;
  bool keepdim = false;
  Tensor eval(const Tensor& x) const;
  template <Array A> A composite(const A& x) const {
    A y = x;
    for (int64_t n = x.shape()[axis]; n > 1; n = (n + 1) / 2) {
      const A pairs = slice(y, axis, 0, n / 2) * slice(y, axis, n - n / 2);
      y = n % 2 ? concat({pairs, slice(y, axis, n / 2, n / 2 + 1)}, axis) : pairs;
    }
    if (x.shape()[axis] == 0)
      return A(ones(detail::reduced_shape(x.shape(), axis, keepdim, name), x.dtype(), x.device()));
    return keepdim ? y : squeeze(y, axis);
  }
};

/// y[i] = x[0] + … + x[i] along one axis.
template <Array A> A cumsum(const A& x, int axis = -1) {
  return apply(Cumsum{normalize_axis(axis, x.rank(), "cumsum")}, x);
}
/// The product of all elements.
template <Array A> A prod(const A& x) { return apply(Prod{}, reshape(x, {x.numel()})); }
/// The product along one axis. The product of nothing is 1.
template <Array A> A prod(const A& x, int axis, bool keepdim = false) {
  return apply(Prod{normalize_axis(axis, x.rank(), "prod"), keepdim}, x);
}

}  // namespace pf
