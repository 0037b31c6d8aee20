#include "tensor/cuda/strided_index.h"

#include <algorithm>

namespace pf::cuda {

Loops merged_loops(const Shape& shape, std::span<const Shape* const> strides) {
  Loops out;
  out.arrays = int(strides.size());
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    const int last = out.rank - 1;
    bool one_run = last >= 0;
    for (int k = 0; one_run && k < out.arrays; ++k) one_run = out.stride[last][k] == (*strides[k])[i] * shape[i];
    const int at = one_run ? last : out.rank++;
    out.size[at] = one_run ? out.size[at] * shape[i] : shape[i];
    for (int k = 0; k < out.arrays; ++k) out.stride[at][k] = (*strides[k])[i];
  }
  if (out.rank == 0) {
    out.rank = 1;
    out.size[0] = 1;
    for (int k = 0; k < out.arrays; ++k) out.stride[0][k] = 1;
  }
  return out;
}

GridSize grid_for(int64_t n, int threads) {
  // Enough blocks to fill any GPU several times over; the loop inside does the rest.
  constexpr int64_t most = 4096;
  const int64_t wanted = std::max<int64_t>(1, n);
  if (wanted < threads) return {1, unsigned((wanted + 31) / 32 * 32)};
  return {unsigned(std::min(most, (wanted + threads - 1) / threads)), unsigned(threads)};
}

}  // namespace pf::cuda
