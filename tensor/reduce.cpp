#include "tensor/ops/reduce.h"

#include "tensor/reduction.h"

namespace pf {
namespace detail {

Shape reduced_shape(const Shape& shape, const Axes& axes, bool keepdim, const char* op) {
  const auto flags = axes.flags(shape.rank(), op);
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!flags[i]) out.push_back(shape[i]);
    else if (keepdim) out.push_back(1);
  }
  return out;
}

int64_t reduced_count(const Shape& shape, const Axes& axes, const char* op) {
  const auto flags = axes.flags(shape.rank(), op);
  int64_t n = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (flags[i]) n *= shape[i];
  return n;
}

namespace {
// Neighbouring loops that make one run become one; at least one loop is left.
void merge(ReduceLoops& loops) {
  int last = -1;
  for (int i = 0; i < loops.count; ++i) {
    const ReduceLoop loop = loops.list[i];
    if (last >= 0 && loops.list[last].stride == loop.stride * loop.size)
      loops.list[last] = {loops.list[last].size * loop.size, loop.stride};
    else
      loops.list[++last] = loop;
  }
  loops.count = last + 1;
  if (loops.count == 0) loops.list[loops.count++] = {1, 0};
}
}  // namespace

ReducePlan plan_reduction(const Layout& layout, const std::array<bool, max_rank>& reduce) {
  ReducePlan plan;
  plan.offset = layout.offset;
  std::array<int, max_rank> kept;
  int kept_count = 0;
  for (int i = 0; i < layout.rank(); ++i) {
    if (!reduce[i]) {
      kept[kept_count] = i;
      plan.order.push_back(kept_count++);
    } else if (layout.shape[i] != 1) {
      // Sums do not mind the direction.
      if (layout.strides[i] < 0) plan.offset += (layout.shape[i] - 1) * layout.strides[i];
      plan.reduced.list[plan.reduced.count++] = {layout.shape[i], std::abs(layout.strides[i])};
    }
  }
  std::stable_sort(plan.reduced.list.begin(), plan.reduced.list.begin() + plan.reduced.count,
                   [](const ReduceLoop& a, const ReduceLoop& b) { return a.stride > b.stride; });
  // Axes of size 1 stay beside the axis before them.
  std::array<int64_t, max_rank> step;
  for (int k = 0; k < kept_count; ++k)
    step[k] = layout.shape[kept[k]] != 1 ? std::abs(layout.strides[kept[k]]) : k ? step[k - 1] : INT64_MAX;
  std::stable_sort(plan.order.begin(), plan.order.end(), [&](int64_t a, int64_t b) { return step[a] > step[b]; });
  for (int i = 0; i < plan.order.rank(); ++i) plan.reordered |= plan.order[i] != i;
  for (int64_t k : plan.order)
    if (layout.shape[kept[k]] != 1)
      plan.kept.list[plan.kept.count++] = {layout.shape[kept[k]], layout.strides[kept[k]]};
  merge(plan.kept);
  merge(plan.reduced);
  return plan;
}

namespace {
Tensor sum_over(const Tensor& x, const std::array<bool, max_rank>& flags, const Shape& shape, const char* op) {
  return dispatch_numeric(x.dtype(), op, [&]<class T>() { return reduce<Adding, T>(x, flags, shape); });
}
}  // namespace
}  // namespace detail

Tensor Sum::eval(const Tensor& x) const {
  return detail::sum_over(x, axes.flags(x.rank(), name), detail::reduced_shape(x.shape(), axes, keepdim, name), name);
}

Tensor Mean::eval(const Tensor& x) const {
  const int64_t n = detail::reduced_count(x.shape(), axes, name);
  check(n > 0, "mean: ", x.shape(), " has no elements along the reduced axes, so there is no mean");
  Tensor out = Sum{axes, keepdim}.eval(x);
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    T* to = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) to[i] *= T(1) / T(n);
  });
  return out;
}

Tensor SumTo::eval(const Tensor& x) const {
  Layout::contiguous(shape).expand(x.shape());  // throws where x cannot have been expanded from it
  const int added = x.rank() - shape.rank();
  std::array<bool, max_rank> flags{};
  for (int i = 0; i < x.rank(); ++i) flags[i] = i < added || (shape[i - added] == 1 && x.shape()[i] != 1);
  return detail::sum_over(x, flags, shape, name);
}

}  // namespace pf
