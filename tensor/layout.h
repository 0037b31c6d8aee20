#pragma once
// Layout: where the elements of a tensor lie in its storage. Every view (slice, permute, expand …) is a pure function
// from Layout to Layout, so views can be understood and tested without any memory behind them.

#include <optional>

#include "tensor/shape.h"

namespace pf {

struct Layout {
  Shape shape;
  Shape strides;       // in elements; 0 repeats, negative runs backwards
  int64_t offset = 0;  // of the first element, in elements

  static Layout contiguous(const Shape& shape);

  int rank() const { return shape.rank(); }
  int64_t numel() const { return shape.numel(); }
  /// Row-major without gaps (axes of size 1 may have any stride).
  bool is_contiguous() const;

  /// Axis i of the result is axis order[i] of this.
  Layout permute(const Shape& order) const;
  Layout transpose(int axis_a, int axis_b) const;
  /// Elements start, start + step, … before stop, along one axis. Negative positions count from the end, positions
  /// beyond the ends are clamped, step may be negative (stop then defaults to "past the first"): as in Python.
  Layout slice(int axis, std::optional<int64_t> start, std::optional<int64_t> stop, int64_t step = 1) const;
  /// One position of an axis; the axis disappears.
  Layout select(int axis, int64_t index) const;
  /// Repeats axes of size 1 (and adds leading axes) without copying.
  Layout expand(const Shape& to) const;
  Layout flip(int axis) const;
  Layout unsqueeze(int axis) const;
  Layout squeeze(int axis) const;
  /// The same elements under another shape, or nothing where that needs a copy. One size may be -1.
  std::optional<Layout> reshape(const Shape& to) const;
};

/// Replaces a -1 in `to` by the size that keeps the number of elements; throws where none does.
Shape resolve_reshape(const Shape& from, const Shape& to);

}  // namespace pf
