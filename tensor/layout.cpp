#include "tensor/layout.h"

#include <algorithm>

namespace pf {

Layout Layout::contiguous(const Shape& shape) {
  Layout out{shape, Shape::filled(shape.rank(), 1), 0};
  for (int i = shape.rank() - 2; i >= 0; --i) out.strides[i] = out.strides[i + 1] * std::max<int64_t>(shape[i + 1], 1);
  return out;
}

bool Layout::is_contiguous() const {
  int64_t expected = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

Layout Layout::permute(const Shape& order) const {
  check(order.rank() == rank(), "permute: ", order, " for a tensor of shape ", shape, ": expected ", rank(), " axes");
  Layout out = *this;
  std::array<bool, max_rank> seen{};
  for (int i = 0; i < rank(); ++i) {
    int from = normalize_axis(order[i], rank(), "permute");
    check(!seen[from], "permute: ", order, " names axis ", from, " twice");
    seen[from] = true;
    out.shape[i] = shape[from];
    out.strides[i] = strides[from];
  }
  return out;
}

Layout Layout::transpose(int axis_a, int axis_b) const {
  int a = normalize_axis(axis_a, rank(), "transpose"), b = normalize_axis(axis_b, rank(), "transpose");
  Layout out = *this;
  std::swap(out.shape[a], out.shape[b]);
  std::swap(out.strides[a], out.strides[b]);
  return out;
}

Layout Layout::slice(int axis, std::optional<int64_t> start, std::optional<int64_t> stop, int64_t step) const {
  check(step != 0, "slice: step 0: expected a positive or negative step");
  axis = normalize_axis(axis, rank(), "slice");
  const int64_t n = shape[axis];
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  auto position = [&](std::optional<int64_t> p, int64_t fallback) {
    return p ? std::clamp(*p < 0 ? *p + n : *p, low, high) : fallback;
  };
  const int64_t first = position(start, step > 0 ? low : high);
  const int64_t last = position(stop, step > 0 ? high : low);
  const int64_t span = step > 0 ? last - first : first - last;
  const int64_t stride = step > 0 ? step : -step;
  Layout out = *this;
  out.shape[axis] = span <= 0 ? 0 : (span - 1) / stride + 1;
  if (out.shape[axis] > 0) out.offset += first * strides[axis];
  out.strides[axis] *= step;
  return out;
}

Layout Layout::select(int axis, int64_t index) const {
  axis = normalize_axis(axis, rank(), "select");
  const int64_t n = shape[axis];
  check(index >= -n && index < n, "select: index ", index, " on axis ", axis, " of ", shape, ": expected ", -n, " to ",
        n - 1);
  Layout out = *this;
  out.offset += (index < 0 ? index + n : index) * strides[axis];
  out.shape.erase(axis);
  out.strides.erase(axis);
  return out;
}

Layout Layout::expand(const Shape& to) const {
  check(to.rank() >= rank(), "expand: ", shape, " to ", to, ": the result has fewer axes");
  Layout out{to, Shape::filled(to.rank(), 0), offset};
  const int shift = to.rank() - rank();
  for (int i = 0; i < rank(); ++i) {
    if (shape[i] == to[i + shift]) out.strides[i + shift] = strides[i];
    else
      check(shape[i] == 1, "expand: ", shape, " to ", to, ": axis ", i, " has size ", shape[i],
            ": only axes of size 1 can be repeated");
  }
  return out;
}

Layout Layout::flip(int axis) const { return slice(axis, {}, {}, -1); }

Layout Layout::unsqueeze(int axis) const {
  axis = normalize_axis(axis, rank() + 1, "unsqueeze");
  Layout out = *this;
  out.shape.insert(axis, 1);
  out.strides.insert(axis, 1);
  return out;
}

Layout Layout::squeeze(int axis) const {
  axis = normalize_axis(axis, rank(), "squeeze");
  check(shape[axis] == 1, "squeeze: axis ", axis, " of ", shape, " has size ", shape[axis], ": expected 1");
  Layout out = *this;
  out.shape.erase(axis);
  out.strides.erase(axis);
  return out;
}

Shape resolve_reshape(const Shape& from, const Shape& to) {
  Shape out = to;
  int open = -1;
  int64_t known = 1;
  for (int i = 0; i < to.rank(); ++i) {
    if (to[i] == -1) {
      check(open < 0, "reshape: ", from, " to ", to, ": only one size may be -1");
      open = i;
    } else {
      check(to[i] >= 0, "reshape: ", from, " to ", to, ": sizes must not be negative (but one may be -1)");
      known *= to[i];
    }
  }
  const int64_t n = from.numel();
  if (open >= 0) {
    check(known > 0 && n % known == 0, "reshape: ", from, " to ", to, ": ", n, " elements cannot be divided by ",
          known);
    out[open] = n / known;
  }
  check(out.numel() == n, "reshape: ", from, " to ", to, ": ", n, " elements into ", out.numel());
  return out;
}

std::optional<Layout> Layout::reshape(const Shape& to) const {
  const Shape target = resolve_reshape(shape, to);
  if (is_contiguous()) {
    Layout out = contiguous(target);
    out.offset = offset;
    return out;
  }
  if (numel() == 0) return contiguous(target);
  // Walk both shapes from the back; a group of old axes that is one run in memory can be cut anew.
  Layout out{target, Shape::filled(target.rank(), 1), offset};
  int j = target.rank() - 1;
  for (int i = rank() - 1; i >= 0;) {
    int64_t run = shape[i], stride = strides[i];
    for (--i; i >= 0 && (shape[i] == 1 || run == 1 || strides[i] == stride * run); --i) {
      if (run == 1) stride = strides[i];
      run *= shape[i];
    }
    int64_t left = run;
    for (; j >= 0 && (left > 1 || target[j] == 1); --j) {
      if (left % target[j] != 0) return std::nullopt;
      out.strides[j] = stride * (run / left);
      left /= target[j];
    }
    if (left != 1) return std::nullopt;
  }
  return out;
}

}  // namespace pf
