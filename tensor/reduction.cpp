#include "tensor/reduction.h"

#include "tensor/device_pass.h"

namespace pf::detail {

namespace {
// Neighbouring loops that make one run become one; at least one loop is left.
void merge(ReduceLoops& loops) {
  int last = -1;
  for (int i = 0; i < loops.count; ++i) {
    const ReduceLoop loop = loops.list[i];
    if (last >= 0 && loops.list[last].stride == loop.stride * loop.size)
      loops.list[last] = {loops.list[last].size * loop.size, loop.stride};
    else loops.list[++last] = loop;
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

Tensor reduce_on_device(cuda::Reduction kind, const Tensor& x, const std::array<bool, max_rank>& flags,
                        const Shape& shape) {
  Layout kept, reduced;
  for (int i = 0; i < x.rank(); ++i) {
    Layout& to = flags[i] ? reduced : kept;
    to.shape.push_back(x.shape()[i]);
    to.strides.push_back(x.strides()[i]);
  }
  Tensor out = Tensor::empty(shape, arithmetic_type(x.dtype()), x.device());
  if (out.numel() > 0) backend_of(x).reduce(kind, x.dtype(), x.raw(), kept, reduced, out.mutable_raw());
  return out;
}

}  // namespace pf::detail
