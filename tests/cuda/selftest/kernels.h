#pragma once
// Kernels of the usual kinds, to try the emulator on: what a host program calls. All work is queued on the stream.

#include <cuda_runtime_api.h>

#include <cstdint>

namespace pf::selftest {

/// An element-wise pass over any layout of up to four axes.
struct Strided {
  int64_t count;
  int axes;
  int64_t size[4], a[4], b[4], out[4];
};
cudaError_t add_strided(const float* a, const float* b, float* out, const Strided& layout, cudaStream_t stream);
/// 16 bytes at a time; n is a multiple of 4, the addresses of 16.
cudaError_t add_packs(const float* a, const float* b, float* out, int64_t n, cudaStream_t stream);
/// out[0] += sum of x.
cudaError_t sum(const float* x, float* out, int64_t n, cudaStream_t stream);
/// out = sum of x, added in a fixed order; `partial` and `finished` (0 before, 0 after) are for the kernel's own use.
cudaError_t sum_in_one_pass(const float* x, float* out, float* partial, unsigned* finished, int64_t n,
                            cudaStream_t stream);
cudaError_t transpose(const float* in, float* out, int rows, int columns, cudaStream_t stream);
/// As transpose, with columns of the tile in one bank, and without a tile at all.
cudaError_t transpose_with_conflicts(const float* in, float* out, int rows, int columns, cudaStream_t stream);
cudaError_t transpose_without_tile(const float* in, float* out, int rows, int columns, cudaStream_t stream);
/// out[i] = x[0] + … + x[i] within each block of 256.
cudaError_t block_scan(const int* x, int* out, int64_t n, cudaStream_t stream);
/// counts[v] += how often v occurs; values below 64.
cudaError_t histogram(const int* values, unsigned* counts, int64_t n, cudaStream_t stream);
/// Softmax of each row, a warp a row.
cudaError_t softmax(const float* x, float* y, int rows, int columns, cudaStream_t stream);
/// Per warp of 32 flags: how many are set, and per lane how many set ones are before it.
cudaError_t rank_flags(const int* flags, int* rank, int* count, int64_t n, cudaStream_t stream);
/// Reverses each block of `block` elements in dynamic shared memory.
cudaError_t reverse_blocks(float* x, int block, int blocks, cudaStream_t stream);
/// Per block: how many of its 128 elements are above the limit.
cudaError_t count_above(const float* x, float limit, int* counts, int blocks, cudaStream_t stream);
/// Neighbours within a warp exchanged through shared memory.
cudaError_t shift_in_warp(const float* x, float* y, cudaStream_t stream);
cudaError_t scale(float* x, float factor, int64_t n, cudaStream_t stream);

}  // namespace pf::selftest
