#pragma once
// A kernel for whatever has one independent piece of work an element: body(i, offsets) with the element's place in some
// strided arrays.

#include "tensor/cuda/device_code.h"
#include "tensor/cuda/launch.h"
#include "tensor/cuda/strided_index.h"

namespace pf::cuda {

template <class Body, int arrays>
__global__ void __launch_bounds__(256) strided_loop(Body body, StridedIndex<arrays> index, uint32_t n) {
  const uint32_t step = gridDim.x * blockDim.x;
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
    int32_t offset[arrays > 0 ? arrays : 1];
    index.place(i, offset);
    body(offset);
  }
}

template <class Body> __global__ void __launch_bounds__(256) plain_loop(Body body, int64_t n) {
  const int64_t step = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) body(i);
}

/// body(offsets) for every element of the shape; make_body(starts) gives the body of a piece whose arrays begin there.
template <int arrays, class MakeBody>
void for_each_strided(const char* op, const Shape& shape, std::span<const Shape* const> strides, cudaStream_t stream,
                      const MakeBody& make_body) {
  in_pieces(merged_loops(shape, strides), [&](const Loops& piece, const auto& starts) {
    const auto body = make_body(starts);
    const int64_t n = piece.count();
    const GridSize grid = grid_for(n);
    check_launch(PF_LAUNCH_INDEPENDENT((strided_loop<std::decay_t<decltype(body)>, arrays>), grid.blocks, grid.threads,
                                       0, stream, body, index_of<arrays>(piece), uint32_t(n)),
                 op, shape);
  });
}

/// body(i) for i = 0 … n - 1.
template <class Body> void for_each_index(const char* op, int64_t n, cudaStream_t stream, const Body& body) {
  if (n == 0) return;
  const GridSize grid = grid_for(n);
  check_launch(PF_LAUNCH_INDEPENDENT((plain_loop<Body>), grid.blocks, grid.threads, 0, stream, body, n), op, Shape{n});
}

}  // namespace pf::cuda
