#pragma once
// Rows worked on by one warp each: every lane takes each 32nd element, and results are combined by exchanges between the
// lanes, in a fixed tree.

#include <algorithm>

#include "tensor/cuda/device_code.h"
#include "tensor/cuda/launch.h"

namespace pf::cuda {

inline constexpr int warp_lanes = 32, row_warps = 4;

/// Every lane gives a value; all get the sum.
template <class T> __device__ T warp_sum(T value) {
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}
/// … the largest; NaN wins.
template <class T> __device__ T warp_largest(T value) {
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(0xffffffffu, value, distance);
    value = value > other || value != value ? value : other;
  }
  return value;
}

/// body(row, lane) by a warp for each row.
template <class Body> __global__ void __launch_bounds__(warp_lanes* row_warps) warp_rows(Body body, int64_t rows) {
  const int lane = int(threadIdx.x) % warp_lanes;
  for (int64_t row = int64_t(blockIdx.x) * row_warps + int(threadIdx.x) / warp_lanes; row < rows;
       row += int64_t(gridDim.x) * row_warps)
    body(row, lane);
}

template <class Body>
void for_each_row(const char* op, int64_t rows, int64_t n, cudaStream_t stream, const Body& body) {
  if (rows == 0) return;
  check(n < int64_t(1) << 31, op, ": rows of ", n, " elements: expected less than 2³¹ on a GPU");
  const unsigned blocks = unsigned(std::min<int64_t>((rows + row_warps - 1) / row_warps, 65535));
  check_launch(PF_LAUNCH((warp_rows<Body>), blocks, warp_lanes * row_warps, 0, stream, body, rows), op, Shape{rows, n});
}

}  // namespace pf::cuda
