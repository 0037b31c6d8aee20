#pragma once
// Views: other shapes, orders and parts of the same elements. They are linear, and on tensors they copy nothing
// (reshape does where the layout leaves no choice); what a part leaves out becomes zeros in the adjoint (`embed`).

#include <vector>

#include "tensor/ops/op.h"

namespace pf {

struct Reshape {
  static constexpr auto name = "reshape";
  static constexpr bool any_type = true;
  Shape shape;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape& x) const { return reshape(g, x); }
};

struct Permute {
  static constexpr auto name = "permute";
  static constexpr bool any_type = true;
  Shape order;
  Tensor eval(const Tensor& x) const { return x.view(x.layout().permute(order)); }
  template <Array A> A adjoint(const A& g, const Shape& x) const {
    Shape inverse = order;
    for (int i = 0; i < order.rank(); ++i) inverse[normalize_axis(order[i], x.rank(), name)] = i;
    return permute(g, inverse);
  }
};

/// Axes of size 1 repeated, axes added in front.
struct Expand {
  static constexpr auto name = "expand";
  static constexpr bool any_type = true;
  Shape shape;
  Tensor eval(const Tensor& x) const { return x.view(x.layout().expand(shape)); }
  template <Array A> A adjoint(const A& g, const Shape& x) const { return sum_to(g, x); }
};

struct Flip {
  static constexpr auto name = "flip";
  static constexpr bool any_type = true;
  int axis = 0;
  Tensor eval(const Tensor& x) const { return x.view(x.layout().flip(axis)); }
  template <Array A> A adjoint(const A& g, const Shape&) const { return flip(g, axis); }
};

/// The elements of a slice put into zeros of the given shape: the adjoint of slice.
struct Embed {
  static constexpr auto name = "embed";
  static constexpr bool any_type = true;
  Shape shape;
  int axis = 0;
  std::optional<int64_t> start, stop;
  int64_t step = 1;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape&) const { return slice(g, axis, start, stop, step); }
};

struct Slice {
  static constexpr auto name = "slice";
  static constexpr bool any_type = true;
  int axis = 0;
  std::optional<int64_t> start, stop;
  int64_t step = 1;
  Tensor eval(const Tensor& x) const { return x.view(x.layout().slice(axis, start, stop, step)); }
  template <Array A> A adjoint(const A& g, const Shape& x) const { return apply(Embed{x, axis, start, stop, step}, g); }
};

/// One position of an axis; the axis disappears.
struct Pick {
  static constexpr auto name = "pick";
  static constexpr bool any_type = true;
  int axis = 0;
  int64_t index = 0;  // counted from the front
  Tensor eval(const Tensor& x) const { return x.view(x.layout().select(axis, index)); }
  template <Array A> A adjoint(const A& g, const Shape& x) const {
    return apply(Embed{x, axis, index, index + 1, 1}, unsqueeze(g, axis));
  }
};

/// The same elements in row-major order under another shape; one size may be -1.
template <Array A> A reshape(const A& x, const Shape& shape) {
  const Shape to = resolve_reshape(x.shape(), shape);
  return to == x.shape() ? x : apply(Reshape{to}, x);
}
/// Axis i of the result is axis order[i] of x.
template <Array A> A permute(const A& x, const Shape& order) { return apply(Permute{order}, x); }
/// Two axes exchanged.
template <Array A> A transpose(const A& x, int a, int b) {
  Shape order = x.shape();
  for (int i = 0; i < order.rank(); ++i) order[i] = i;
  std::swap(order[normalize_axis(a, order.rank(), "transpose")], order[normalize_axis(b, order.rank(), "transpose")]);
  return permute(x, order);
}
/// The matrix transposed: the last two axes exchanged.
template <Array A> A transpose(const A& x) {
  check(x.rank() >= 2, "transpose: ", x.shape(), " has no two axes to exchange");
  return transpose(x, -2, -1);
}
/// One axis moved to another place, the others keep their order.
template <Array A> A movedim(const A& x, int from, int to) {
  const int rank = x.rank(), source = normalize_axis(from, rank, "movedim"),
            target = normalize_axis(to, rank, "movedim");
  Shape order;
  for (int i = 0; i < rank; ++i)
    if (i != source) order.push_back(i);
  order.insert(target, source);
  return permute(x, order);
}

/// x repeated along axes of size 1, and along new axes in front, to the given shape.
template <Array A> A expand(const A& x, const Shape& shape) { return x.shape() == shape ? x : apply(Expand{shape}, x); }

/// Elements start, start + step, … before stop along one axis. As in Python: negative positions count from the end,
/// those beyond the ends are clamped, step may be negative.  slice(x, 0, {}, {}, -1) runs backwards.
template <Array A>
A slice(const A& x, int axis, std::optional<int64_t> start, std::optional<int64_t> stop = {}, int64_t step = 1) {
  return apply(Slice{normalize_axis(axis, x.rank(), "slice"), start, stop, step}, x);
}
/// x[…, index, …]: one position of an axis, which disappears; -1 is the last.
template <Array A> A pick(const A& x, int axis, int64_t index) {
  const int at = normalize_axis(axis, x.rank(), "pick");
  const int64_t n = x.shape()[at];
  check(index >= -n && index < n, "pick: position ", index, " on axis ", axis, " of ", x.shape(), ": expected ", -n,
        " to ", n - 1);
  return apply(Pick{at, index < 0 ? index + n : index}, x);
}
/// The order along one axis reversed.
template <Array A> A flip(const A& x, int axis) { return apply(Flip{normalize_axis(axis, x.rank(), "flip")}, x); }

/// A new axis of size 1 at place `axis` of the result.
template <Array A> A unsqueeze(const A& x, int axis) {
  Shape shape = x.shape();
  shape.insert(normalize_axis(axis, shape.rank() + 1, "unsqueeze"), 1);
  return apply(Reshape{shape}, x);
}
/// Without the given axis, which has size 1.
template <Array A> A squeeze(const A& x, int axis) {
  Shape shape = x.shape();
  const int at = normalize_axis(axis, shape.rank(), "squeeze");
  check(shape[at] == 1, "squeeze: axis ", axis, " of ", shape, " has size ", shape[at], ": expected 1");
  shape.erase(at);
  return apply(Reshape{shape}, x);
}
/// Axes first … last (both included) merged into one.
template <Array A> A flatten(const A& x, int first = 0, int last = -1) {
  if (x.rank() == 0) return reshape(x, {1});
  const int a = normalize_axis(first, x.rank(), "flatten"), b = normalize_axis(last, x.rank(), "flatten");
  check(a <= b, "flatten: axes ", first, " to ", last, " of ", x.shape(), ": the first comes after the last");
  Shape shape;
  int64_t merged = 1;
  for (int i = 0; i < x.rank(); ++i) {
    if (i >= a && i <= b) merged *= x.shape()[i];
    if (i == b) shape.push_back(merged);
    else if (i < a || i > b) shape.push_back(x.shape()[i]);
  }
  return reshape(x, shape);
}

/// Consecutive parts of the given sizes along one axis.
template <Array A> std::vector<A> split(const A& x, std::span<const int64_t> sizes, int axis = -1) {
  const int64_t n = x.shape()[normalize_axis(axis, x.rank(), "split")];
  int64_t at = 0;
  for (int64_t size : sizes) at += size;
  check(at == n, "split: axis ", axis, " of ", x.shape(), " into parts of ", at, " in all: expected ", n);
  std::vector<A> parts;
  at = 0;
  for (int64_t size : sizes) {
    parts.push_back(slice(x, axis, at, at + size));
    at += size;
  }
  return parts;
}
template <Array A> std::vector<A> split(const A& x, std::initializer_list<int64_t> sizes, int axis = -1) {
  return split(x, std::span(sizes.begin(), sizes.size()), axis);
}
/// `count` equal parts along one axis.
template <Array A> std::vector<A> chunk(const A& x, int64_t count, int axis = -1) {
  const int64_t n = x.shape()[normalize_axis(axis, x.rank(), "chunk")];
  check(count > 0 && n % count == 0, "chunk: axis ", axis, " of ", x.shape(), " into ", count,
        " equal parts: expected a divisor of ", n, "; split(x, sizes) makes unequal ones");
  return split(x, std::vector<int64_t>(size_t(count), n / count), axis);
}
/// auto [a, b] = chunk<2>(x);
template <size_t N, Array A> std::array<A, N> chunk(const A& x, int axis = -1) {
  std::vector<A> parts = chunk(x, int64_t(N), axis);
  return [&]<size_t... I>(std::index_sequence<I...>) { return std::array<A, N>{std::move(parts[I])...}; }
  (std::make_index_sequence<N>{});
}

}  // namespace pf
