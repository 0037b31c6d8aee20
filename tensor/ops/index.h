#pragma once
// Reading and adding at given positions. Positions are int64 tensors counted from the front, and are checked. Adding
// happens in the order of the index, so repeated positions give the same bits every time.

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/views.h"

namespace pf {

/// y[…, i, …] = x[…, index[…, i, …], …]; the index has the shape of the result.
struct Gather {
  static constexpr auto name = "gather";
  static constexpr bool any_type = true;
  int axis = 0;
  Tensor index;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape& x) const;
};

/// Zeros of the given shape, to which the elements of x are added at the positions of the index: the adjoint of gather.
struct ScatterAdd {
  static constexpr auto name = "scatter_add";
  Shape shape;
  int axis = 0;
  Tensor index;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape&) const { return apply(Gather{axis, index}, g); }
};

/// Whole slices: position i of the axis is position index[i] of x's.
struct IndexSelect {
  static constexpr auto name = "index_select";
  static constexpr bool any_type = true;
  int axis = 0;
  Tensor index;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape& x) const;
};

/// Zeros of the given shape, to which the slices of x are added: the adjoint of index_select.
struct IndexAdd {
  static constexpr auto name = "index_add";
  Shape shape;
  int axis = 0;
  Tensor index;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape&) const { return apply(IndexSelect{axis, index}, g); }
};

template <Array A> A Gather::adjoint(const A& g, const Shape& x) const { return apply(ScatterAdd{x, axis, index}, g); }
template <Array A> A IndexSelect::adjoint(const A& g, const Shape& x) const {
  return apply(IndexAdd{x, axis, index}, g);
}

/// One element for each of the index: y[i, j] = x[i, index[i, j]] for axis 1. x and the index agree on all other axes.
template <Array A> A gather(const A& x, int axis, const Tensor& index) {
  return apply(Gather{normalize_axis(axis, x.rank(), "gather"), index}, x);
}
/// x with source[i, j] added at [i, index[i, j]] (for axis 1), in the order of the index.
template <Array A> A scatter_add(const A& x, int axis, const Tensor& index, const A& source) {
  return x + apply(ScatterAdd{x.shape(), normalize_axis(axis, x.rank(), "scatter_add"), index}, source);
}
/// The positions of one axis that the index names, in its order: x[index] for axis 0, where a 1-d index picks rows. An
/// index of more axes puts them in the place of that axis, which makes this the embedding lookup.
template <Array A> A index_select(const A& x, int axis, const Tensor& index) {
  const int at = normalize_axis(axis, x.rank(), "index_select");
  const A rows = apply(IndexSelect{at, reshape(index, {index.numel()})}, x);
  if (index.rank() == 1) return rows;
  Shape shape;
  for (int i = 0; i < at; ++i) shape.push_back(x.shape()[i]);
  for (int64_t size : index.shape()) shape.push_back(size);
  for (int i = at + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return reshape(rows, shape);
}
/// x with slice i of the source added to slice index[i] of an axis, in that order.
template <Array A> A index_add(const A& x, int axis, const Tensor& index, const A& source) {
  return x + apply(IndexAdd{x.shape(), normalize_axis(axis, x.rank(), "index_add"), index}, source);
}

/// [..., classes] with 1 at the class and 0 elsewhere.
Tensor one_hot(const Tensor& index, int64_t classes, DType dtype = float32);

}  // namespace pf
