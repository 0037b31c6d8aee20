#pragma once
// Putting arrays together: one after the other, on top of each other, with margins, several times.

#include "tensor/ops/views.h"

namespace pf {

/// Any number of arrays, one after the other along an axis.
struct Concat {
  static constexpr auto name = "concat";
  int axis = 0;
  Tensor eval(std::span<const Tensor> x) const;
  template <Array A> A adjoint(const A& g, int i, std::span<const Shape> x) const {
    int64_t at = 0;
    for (int k = 0; k < i; ++k) at += x[size_t(k)][axis];
    return slice(g, axis, at, at + x[size_t(i)][axis]);
  }
};

/// Any number of arrays of one shape, along a new axis.
struct Stack {
  static constexpr auto name = "stack";
  int axis = 0;
  Tensor eval(std::span<const Tensor> x) const;
  template <Array A> A adjoint(const A& g, int i, std::span<const Shape>) const { return pick(g, axis, i); }
};

/// The arrays one after the other along an axis; their other sizes agree.
template <Array A> A concat(std::span<const A> parts, int axis = -1) {
  check(!parts.empty(), "concat: no arrays given: expected at least one");
  return apply_list(Concat{normalize_axis(axis, parts[0].rank(), "concat")}, parts);
}
template <Array A> A concat(const std::vector<A>& parts, int axis = -1) {
  return concat(std::span<const A>(parts), axis);
}
template <Array A> A concat(std::initializer_list<A> parts, int axis = -1) {
  return concat(std::span<const A>(parts.begin(), parts.size()), axis);
}
template <Array A, size_t N> A concat(const std::array<A, N>& parts, int axis = -1) {
  return concat(std::span<const A>(parts), axis);
}

/// Arrays of one shape along a new axis, which is axis number `axis` of the result.
template <Array A> A stack(std::span<const A> parts, int axis = 0) {
  check(!parts.empty(), "stack: no arrays given: expected at least one");
  return apply_list(Stack{normalize_axis(axis, parts[0].rank() + 1, "stack")}, parts);
}
template <Array A> A stack(const std::vector<A>& parts, int axis = 0) { return stack(std::span<const A>(parts), axis); }
template <Array A> A stack(std::initializer_list<A> parts, int axis = 0) {
  return stack(std::span<const A>(parts.begin(), parts.size()), axis);
}

/// `before` and `after` more positions at the ends of one axis, filled with `value`.
template <Array A> A pad(const A& x, int axis, int64_t before, int64_t after, double value = 0) {
  const int at = normalize_axis(axis, x.rank(), "pad");
  check(before >= 0 && after >= 0, "pad: margins ", before, " and ", after,
        ": expected 0 or more; slice(x, …) cuts off");
  Shape shape = x.shape();
  const int64_t n = shape[at];
  if (value == 0) {
    shape[at] = before + n + after;
    return apply(Embed{shape, at, before, before + n, 1}, x);
  }
  auto margin = [&](int64_t width) {
    Shape size = shape;
    size[at] = width;
    return A(full(size, value, x.dtype(), x.device()));
  };
  return concat({margin(before), x, margin(after)}, at);
}

/// x written `count` times along an axis: 1 2 3 1 2 3.
template <Array A> A tile(const A& x, int64_t count, int axis) {
  const int at = normalize_axis(axis, x.rank(), "tile");
  check(count >= 0, "tile: ", count, " times: expected 0 or more");
  Shape shape = x.shape(), spread = shape;
  spread.insert(at, count);
  shape[at] *= count;
  return reshape(expand(unsqueeze(x, at), spread), shape);
}
/// Each position of an axis written `count` times: 1 1 2 2 3 3.
template <Array A> A repeat_interleave(const A& x, int64_t count, int axis) {
  const int at = normalize_axis(axis, x.rank(), "repeat_interleave");
  check(count >= 0, "repeat_interleave: ", count, " times: expected 0 or more");
  Shape shape = x.shape(), spread = shape;
  spread.insert(at + 1, count);
  shape[at] *= count;
  return reshape(expand(unsqueeze(x, at + 1), spread), shape);
}
/// Positions of an axis moved by `shift`, those pushed out at one end coming in at the other.
template <Array A> A roll(const A& x, int64_t shift, int axis) {
  const int at = normalize_axis(axis, x.rank(), "roll");
  const int64_t n = x.shape()[at];
  if (n == 0) return x;
  const int64_t cut = n - (shift % n + n) % n;
  return cut == n ? x : concat({slice(x, at, cut), slice(x, at, 0, cut)}, at);
}

}  // namespace pf
