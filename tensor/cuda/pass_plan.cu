#include "tensor/cuda/pointwise_kernels.h"

namespace pf::cuda {

PassPlan plan_pass(const Pass& pass) {
  PassPlan plan;
  plan.n = pass.shape.numel();
  const Shape row_major = Layout::contiguous(pass.shape).strides;
  std::vector<const Shape*> strides;
  for (int k = 0; k < pass.source_count; ++k) {
    const Source& source = pass.sources[size_t(k)];
    bool row = true, single = true;
    if (source.data)
      for (int i = 0; i < pass.shape.rank(); ++i) {
        if (pass.shape[i] == 1) continue;
        row &= source.strides[i] == row_major[i];
        single &= source.strides[i] == 0;
      }
    // All threads read a single element, and a pass of one element may write where it reads: there it is a row.
    if (source.data && plan.n == 1) single = false;
    plan.single[size_t(k)] = single;
    plan.flat &= single || (row && reinterpret_cast<uintptr_t>(source.data) % 16 == 0);
    strides.push_back(source.data ? &source.strides : nullptr);
  }
  if (plan.flat || plan.n == 0) return plan;
  const Shape none = Shape::filled(pass.shape.rank(), 0);
  for (const Shape*& s : strides)
    if (!s) s = &none;
  strides.push_back(&row_major);
  plan.loops = merged_loops(pass.shape, strides);
  return plan;
}

}  // namespace pf::cuda
