#pragma once
// Order along an axis. Sorting is stable and puts NaN last in either direction; -0 and 0 are equal. Positions are int64
// tensors; sorted values keep their derivatives, because they are gathered from the array.

#include "tensor/ops/index.h"

namespace pf {

/// The positions that put the axis in order, smallest first (or largest first). Only the first `count` of them, if given.
Tensor order_of(const Tensor& x, int axis, bool descending, std::optional<int64_t> count = {});
/// How many elements of each sorted row are less than the value (with `right`: less or equal). The rows are the last axis
/// of `sorted`: one row for all values, or one for each row of values.
Tensor searchsorted_of(const Tensor& sorted, const Tensor& values, bool right);

/// The different elements in order, how often each occurs, and for every element of x its place among them.
struct UniqueElements {
  Tensor values, counts, inverse;
};
UniqueElements unique_elements(const Tensor& x);

/// Values in order, and where they were.
template <Array A> struct Sorted {
  A values;
  Tensor indices;
};

/// The positions that put the axis in order: gather(x, axis, argsort(x, axis)) is sorted.
template <Array A> Tensor argsort(const A& x, int axis = -1, bool descending = false) {
  return order_of(value_of(x), normalize_axis(axis, x.rank(), "argsort"), descending);
}
/// auto [values, indices] = sort(x);
template <Array A> Sorted<A> sort(const A& x, int axis = -1, bool descending = false) {
  const int at = normalize_axis(axis, x.rank(), "sort");
  const Tensor order = order_of(value_of(x), at, descending);
  return {gather(x, at, order), order};
}
/// The `count` largest elements of an axis in falling order (or the smallest in rising order), and where they are.
template <Array A> Sorted<A> topk(const A& x, int64_t count, int axis = -1, bool largest = true) {
  const int at = normalize_axis(axis, x.rank(), "topk");
  const int64_t n = x.shape()[at];
  check(count >= 0 && count <= n, "topk: ", count, " elements from axis ", at, " of ", x.shape(), ": expected 0 to ",
        n);
  const Tensor order = order_of(value_of(x), at, largest, count);
  return {gather(x, at, order), order};
}
/// Where each value would be inserted to keep the last axis of `sorted` in order (int64): before equal elements, or with
/// `right` after them.  sorted: [n] or [rows…, n], values: any shape or [rows…, m].
template <Array A, Array B> Tensor searchsorted(const A& sorted, const B& values, bool right = false) {
  return searchsorted_of(value_of(sorted), value_of(values), right);
}
/// The different elements in rising order, with counts and the way back.
template <Array A> UniqueElements unique(const A& x) { return unique_elements(value_of(x)); }

}  // namespace pf
