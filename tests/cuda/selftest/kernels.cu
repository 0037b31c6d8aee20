#include "selftest/kernels.h"

#include "tensor/cuda/device_code.h"

namespace pf::selftest {
namespace {

constexpr int threads = 256;
constexpr unsigned all_lanes = 0xffffffffu;

unsigned blocks_for(int64_t n, int64_t per_block) { return unsigned((n + per_block - 1) / per_block); }

__device__ int64_t first_index() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ int64_t all_threads() { return int64_t(gridDim.x) * blockDim.x; }

__global__ void __launch_bounds__(threads)
    add_strided_kernel(const float* a, const float* b, float* out, Strided layout) {
  for (int64_t i = first_index(); i < layout.count; i += all_threads()) {
    int64_t rest = i, at_a = 0, at_b = 0, at_out = 0;
    for (int axis = layout.axes - 1; axis >= 0; --axis) {
      const int64_t at = rest % layout.size[axis];
      rest /= layout.size[axis];
      at_a += at * layout.a[axis];
      at_b += at * layout.b[axis];
      at_out += at * layout.out[axis];
    }
    out[at_out] = a[at_a] + b[at_b];
  }
}

__global__ void __launch_bounds__(threads) add_packs_kernel(const float* a, const float* b, float* out, int64_t packs) {
  for (int64_t i = first_index(); i < packs; i += all_threads()) {
    auto sum = cuda::load_pack(a + 4 * i);
    const auto other = cuda::load_pack(b + 4 * i);
    for (int k = 0; k < sum.size; ++k) sum.element[k] += other.element[k];
    cuda::store_pack(out + 4 * i, sum);
  }
}

__device__ float warp_sum(float v) {
  for (int distance = 16; distance > 0; distance /= 2) v += __shfl_xor_sync(all_lanes, v, distance);
  return v;
}
__device__ float warp_max(float v) {
  for (int distance = 16; distance > 0; distance /= 2) v = fmaxf(v, __shfl_xor_sync(all_lanes, v, distance));
  return v;
}

/// The sum over the block, for its first thread.
__device__ float block_sum(float v) {
  PF_SHARED(float, partial, [32]);
  v = warp_sum(v);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 32) v = warp_sum(threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0.0f);
  return v;
}

__global__ void __launch_bounds__(threads) sum_kernel(const float* x, float* out, int64_t n) {
  float v = 0;
  for (int64_t i = first_index(); i < n; i += all_threads()) v += x[i];
  v = block_sum(v);
  if (threadIdx.x == 0) atomicAdd(out, v);
}

/// The block that finishes last adds what all have left.
__global__ void __launch_bounds__(threads)
    sum_in_one_pass_kernel(const float* x, float* out, float* partial, unsigned* finished, int64_t n) {
  PF_SHARED(bool, last, [1]);
  float v = 0;
  for (int64_t i = first_index(); i < n; i += all_threads()) v += x[i];
  v = block_sum(v);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = v;
    __threadfence();
    last[0] = atomicAdd(finished, 1u) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (last[0] && threadIdx.x == 0) {
    float total = 0;
    for (unsigned i = 0; i < gridDim.x; ++i) total += partial[i];
    *out = total;
    *finished = 0;
  }
}

constexpr int tile_size = 32, tile_rows = 8;

template <int Padding>
__global__ void __launch_bounds__(threads) transpose_kernel(const float* in, float* out, int rows, int columns) {
  PF_SHARED(float, tile, [tile_size][tile_size + Padding]);
  const int x = int(threadIdx.x), y = int(threadIdx.y);
  const int column = int(blockIdx.x) * tile_size + x, row = int(blockIdx.y) * tile_size;
  for (int j = y; j < tile_size; j += tile_rows) {
    if (column < columns && row + j < rows) tile[j][x] = in[int64_t(row + j) * columns + column];
  }
  __syncthreads();
  const int out_column = int(blockIdx.y) * tile_size + x, out_row = int(blockIdx.x) * tile_size;
  for (int j = y; j < tile_size; j += tile_rows) {
    if (out_column < rows && out_row + j < columns) out[int64_t(out_row + j) * rows + out_column] = tile[x][j];
  }
}

__global__ void __launch_bounds__(threads)
    transpose_without_tile_kernel(const float* in, float* out, int rows, int columns) {
  const int column = int(blockIdx.x) * tile_size + int(threadIdx.x), row = int(blockIdx.y) * tile_size;
  for (int j = int(threadIdx.y); j < tile_size; j += tile_rows) {
    if (column < columns && row + j < rows)
      out[int64_t(column) * rows + row + j] = in[int64_t(row + j) * columns + column];
  }
}

__global__ void __launch_bounds__(threads) block_scan_kernel(const int* x, int* out, int64_t n) {
  PF_SHARED(int, values, [threads]);
  const int64_t i = first_index();
  const int at = int(threadIdx.x);
  values[at] = i < n ? x[i] : 0;
  __syncthreads();
  for (int distance = 1; distance < threads; distance *= 2) {
    const int before = at >= distance ? values[at - distance] : 0;
    __syncthreads();
    values[at] += before;
    __syncthreads();
  }
  if (i < n) out[i] = values[at];
}

constexpr int bins = 64;

__global__ void __launch_bounds__(threads) histogram_kernel(const int* values, unsigned* counts, int64_t n) {
  PF_SHARED(unsigned, local, [bins]);
  if (threadIdx.x < bins) local[threadIdx.x] = 0;
  __syncthreads();
  for (int64_t i = first_index(); i < n; i += all_threads()) atomicAdd(&local[values[i]], 1u);
  __syncthreads();
  if (threadIdx.x < bins) atomicAdd(&counts[threadIdx.x], local[threadIdx.x]);
}

__global__ void __launch_bounds__(128) softmax_kernel(const float* x, float* y, int rows, int columns) {
  const int row = int(blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32), lane = int(threadIdx.x % 32);
  if (row >= rows) return;  // whole warps end here, and no barrier follows
  const float* from = x + int64_t(row) * columns;
  float* to = y + int64_t(row) * columns;
  float most = -INFINITY, total = 0;
  for (int c = lane; c < columns; c += 32) most = fmaxf(most, from[c]);
  most = warp_max(most);
  for (int c = lane; c < columns; c += 32) total += expf(from[c] - most);
  total = warp_sum(total);
  for (int c = lane; c < columns; c += 32) to[c] = expf(from[c] - most) / total;
}

__global__ void __launch_bounds__(64) rank_flags_kernel(const int* flags, int* rank, int* count, int64_t n) {
  const int64_t i = first_index();
  const int lane = int(threadIdx.x % 32);
  const unsigned set = __ballot_sync(all_lanes, i < n && flags[i]);
  if (i < n) rank[i] = __popc(set & ((1u << lane) - 1));
  if (lane == 0 && i < n) count[i / 32] = __popc(set);
}

__global__ void __launch_bounds__(1024) reverse_blocks_kernel(float* x) {
  PF_DYNAMIC_SHARED(float, values);
  const int64_t i = first_index();
  values[threadIdx.x] = x[i];
  __syncthreads();
  x[i] = values[blockDim.x - 1 - threadIdx.x];
}

__global__ void __launch_bounds__(128) count_above_kernel(const float* x, float limit, int* counts) {
  const int above = __syncthreads_count(x[first_index()] > limit);
  if (threadIdx.x == 0) counts[blockIdx.x] = above;
}

__global__ void __launch_bounds__(32) shift_in_warp_kernel(const float* x, float* y) {
  PF_SHARED(float, values, [32]);
  values[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  y[threadIdx.x] = values[(threadIdx.x + 1) % 32];
}

__global__ void __launch_bounds__(threads) scale_kernel(float* x, float factor, int64_t n) {
  for (int64_t i = first_index(); i < n; i += all_threads()) x[i] *= factor;
}

dim3 tiles(int rows, int columns) { return dim3(blocks_for(columns, tile_size), blocks_for(rows, tile_size)); }

}  // namespace

cudaError_t add_strided(const float* a, const float* b, float* out, const Strided& layout, cudaStream_t stream) {
  return PF_LAUNCH_INDEPENDENT(add_strided_kernel, blocks_for(layout.count, threads), threads, 0, stream, a, b, out,
                               layout);
}
cudaError_t add_packs(const float* a, const float* b, float* out, int64_t n, cudaStream_t stream) {
  return PF_LAUNCH_INDEPENDENT(add_packs_kernel, blocks_for(n / 4, threads), threads, 0, stream, a, b, out, n / 4);
}
cudaError_t sum(const float* x, float* out, int64_t n, cudaStream_t stream) {
  return PF_LAUNCH(sum_kernel, blocks_for(n, 4 * threads), threads, 0, stream, x, out, n);
}
cudaError_t sum_in_one_pass(const float* x, float* out, float* partial, unsigned* finished, int64_t n,
                            cudaStream_t stream) {
  return PF_LAUNCH(sum_in_one_pass_kernel, blocks_for(n, 4 * threads), threads, 0, stream, x, out, partial, finished,
                   n);
}
cudaError_t transpose(const float* in, float* out, int rows, int columns, cudaStream_t stream) {
  return PF_LAUNCH(transpose_kernel<1>, tiles(rows, columns), dim3(tile_size, tile_rows), 0, stream, in, out, rows,
                   columns);
}
cudaError_t transpose_with_conflicts(const float* in, float* out, int rows, int columns, cudaStream_t stream) {
  return PF_LAUNCH(transpose_kernel<0>, tiles(rows, columns), dim3(tile_size, tile_rows), 0, stream, in, out, rows,
                   columns);
}
cudaError_t transpose_without_tile(const float* in, float* out, int rows, int columns, cudaStream_t stream) {
  return PF_LAUNCH_INDEPENDENT(transpose_without_tile_kernel, tiles(rows, columns), dim3(tile_size, tile_rows), 0,
                               stream, in, out, rows, columns);
}
cudaError_t block_scan(const int* x, int* out, int64_t n, cudaStream_t stream) {
  return PF_LAUNCH(block_scan_kernel, blocks_for(n, threads), threads, 0, stream, x, out, n);
}
cudaError_t histogram(const int* values, unsigned* counts, int64_t n, cudaStream_t stream) {
  return PF_LAUNCH(histogram_kernel, blocks_for(n, 4 * threads), threads, 0, stream, values, counts, n);
}
cudaError_t softmax(const float* x, float* y, int rows, int columns, cudaStream_t stream) {
  return PF_LAUNCH(softmax_kernel, blocks_for(rows, 4), 128, 0, stream, x, y, rows, columns);
}
cudaError_t rank_flags(const int* flags, int* rank, int* count, int64_t n, cudaStream_t stream) {
  return PF_LAUNCH(rank_flags_kernel, blocks_for(n, 64), 64, 0, stream, flags, rank, count, n);
}
cudaError_t reverse_blocks(float* x, int block, int blocks, cudaStream_t stream) {
  return PF_LAUNCH(reverse_blocks_kernel, unsigned(blocks), unsigned(block), size_t(block) * sizeof(float), stream, x);
}
cudaError_t count_above(const float* x, float limit, int* counts, int blocks, cudaStream_t stream) {
  return PF_LAUNCH(count_above_kernel, unsigned(blocks), 128, 0, stream, x, limit, counts);
}
cudaError_t shift_in_warp(const float* x, float* y, cudaStream_t stream) {
  return PF_LAUNCH(shift_in_warp_kernel, 1, 32, 0, stream, x, y);
}
cudaError_t scale(float* x, float factor, int64_t n, cudaStream_t stream) {
  return PF_LAUNCH_INDEPENDENT(scale_kernel, blocks_for(n, threads), threads, 0, stream, x, factor, n);
}

}  // namespace pf::selftest
