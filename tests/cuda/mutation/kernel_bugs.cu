// Mistakes within a kernel.

#include <numeric>

#include "mutation/bug.h"
#include "tensor/cuda/device_code.h"

namespace pf::mutation {
namespace {

constexpr unsigned all_lanes = 0xffffffffu;
constexpr int threads = 128;

std::vector<float> ramp(int n) {
  std::vector<float> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}
float sum_to(int n) { return float(n * (n + 1) / 2); }

enum class SumBug { none, no_barrier, early_exit, barrier_in_branch, two_barriers, lost_update };

/// Each block adds the sum of its elements to *out.
template <SumBug Bug> __global__ void __launch_bounds__(threads) sum_kernel(const float* x, float* out) {
  PF_SHARED(float, values, [threads]);
  const int t = int(threadIdx.x);
  values[t] = x[int(blockIdx.x) * threads + t];
  if (Bug == SumBug::early_exit && t >= 96) return;
  if constexpr (Bug == SumBug::barrier_in_branch) {
    if (t < 64) __syncthreads();
  } else if constexpr (Bug == SumBug::two_barriers) {
    if (t % 2 == 0) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  } else if constexpr (Bug != SumBug::no_barrier) {
    __syncthreads();
  }
  if (t == 0) {
    float total = 0;
    for (int i = 0; i < threads; ++i) total += values[i];
    if constexpr (Bug == SumBug::lost_update) *out += total;
    else atomicAdd(out, total);
  }
}

template <SumBug Bug> void sum(Trial& trial, bool fixed) {
  const int blocks = 3;
  float* x = trial.array(ramp(blocks * threads));
  float* out = trial.array(std::vector<float>{0});
  trial.ok(fixed ? PF_LAUNCH(sum_kernel<SumBug::none>, blocks, threads, 0, trial.stream, x, out)
                 : PF_LAUNCH(sum_kernel<Bug>, blocks, threads, 0, trial.stream, x, out));
  trial.expect_values(out, {sum_to(blocks * threads)}, "the sum");
}

/// Inclusive scan of a block; between reading the neighbour and writing one's own value there must be a barrier.
template <bool Bug> __global__ void __launch_bounds__(threads) scan_kernel(float* x) {
  PF_SHARED(float, values, [threads]);
  const int t = int(threadIdx.x);
  values[t] = x[t];
  __syncthreads();
  for (int distance = 1; distance < threads; distance *= 2) {
    const float before = t >= distance ? values[t - distance] : 0;
    if constexpr (!Bug) __syncthreads();
    values[t] += before;
    __syncthreads();
  }
  x[t] = values[t];
}
void scan_without_second_barrier(Trial& trial, bool fixed) {
  float* x = trial.array(std::vector<float>(threads, 1.0f));
  trial.ok(fixed ? PF_LAUNCH(scan_kernel<false>, 1, threads, 0, trial.stream, x)
                 : PF_LAUNCH(scan_kernel<true>, 1, threads, 0, trial.stream, x));
  trial.expect_values(x, ramp(threads), "the scan");
}

template <bool Bug> __global__ void __launch_bounds__(32) rotate_kernel(float* x) {
  PF_SHARED(float, values, [32]);
  values[threadIdx.x] = x[threadIdx.x];
  if constexpr (!Bug) __syncwarp();
  x[threadIdx.x] = values[(threadIdx.x + 1) % 32];
}
void missing_syncwarp(Trial& trial, bool fixed) {
  auto values = ramp(32);
  float* x = trial.array(values);
  trial.ok(fixed ? PF_LAUNCH(rotate_kernel<false>, 1, 32, 0, trial.stream, x)
                 : PF_LAUNCH(rotate_kernel<true>, 1, 32, 0, trial.stream, x));
  for (size_t i = 0; i < 32; ++i) values[i] = float((i + 1) % 32 + 1);
  trial.expect_values(x, values, "the rotated values");
}

template <bool Bug> __global__ void __launch_bounds__(threads) count_kernel(const int* x, unsigned* counts) {
  PF_SHARED(unsigned, local, [4]);
  if (threadIdx.x < 4) local[threadIdx.x] = 0;
  __syncthreads();
  if constexpr (Bug) ++local[x[threadIdx.x]];
  else atomicAdd(&local[x[threadIdx.x]], 1u);
  __syncthreads();
  if (threadIdx.x < 4) counts[threadIdx.x] = local[threadIdx.x];
}
void counting_without_atomics(Trial& trial, bool fixed) {
  std::vector<int> values(threads);
  for (int i = 0; i < threads; ++i) values[size_t(i)] = i % 4;
  int* x = trial.array(values);
  unsigned* counts = trial.room<unsigned>(4);
  trial.ok(fixed ? PF_LAUNCH(count_kernel<false>, 1, threads, 0, trial.stream, x, counts)
                 : PF_LAUNCH(count_kernel<true>, 1, threads, 0, trial.stream, x, counts));
  trial.expect_values(counts, std::vector<unsigned>(4, threads / 4), "the counts");
}

/// The block that comes last reads what the others have left.
template <bool Bug>
__global__ void __launch_bounds__(32) last_block_kernel(float* left, unsigned* finished, float* out) {
  if (threadIdx.x != 0) return;
  left[blockIdx.x] = float(blockIdx.x + 1);
  if constexpr (!Bug) __threadfence();
  if (atomicAdd(finished, 1u) != gridDim.x - 1) return;
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) total += left[i];
  *out = total;
}
void missing_fence(Trial& trial, bool fixed) {
  float *left = trial.room<float>(5), *out = trial.room<float>(1);
  unsigned* finished = trial.array(std::vector<unsigned>{0});
  trial.ok(fixed ? PF_LAUNCH(last_block_kernel<false>, 5, 32, 0, trial.stream, left, finished, out)
                 : PF_LAUNCH(last_block_kernel<true>, 5, 32, 0, trial.stream, left, finished, out));
  trial.expect_values(out, {15.0f}, "the sum");
}

/// y[i] = x[i - before] over n elements, written from `to`.
__global__ void __launch_bounds__(threads)
    copy_kernel(const float* x, float* y, int64_t n, int64_t before, int64_t to) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) y[i + to] = x[i - before];
}
cudaError_t copy(const Trial& trial, const float* x, float* y, int64_t n, int64_t before, int64_t to) {
  return PF_LAUNCH_INDEPENDENT(copy_kernel, 1, threads, 0, trial.stream, x, y, n, before, to);
}
void read_off_by_one(Trial& trial, bool fixed) {
  float *x = trial.array(ramp(100)), *y = trial.room<float>(101);
  trial.ok(copy(trial, x, y, fixed ? 100 : 101, 0, 0));
  trial.expect(trial.read(y, 100, trial.stream) == ramp(100), "the copy");
}
void read_before_the_start(Trial& trial, bool fixed) {
  float *x = trial.array(ramp(100)), *y = trial.room<float>(100);
  trial.ok(copy(trial, x, y, 100, fixed ? 0 : 1, 0));
  trial.ok(cudaStreamSynchronize(trial.stream));
}
void write_off_by_one(Trial& trial, bool fixed) {
  float *x = trial.array(ramp(100)), *y = trial.room<float>(100);
  trial.ok(copy(trial, x, y, 100, 0, fixed ? 0 : 1));
  trial.ok(cudaStreamSynchronize(trial.stream));
}
void write_far_outside(Trial& trial, bool fixed) {
  float *x = trial.array(ramp(100)), *y = trial.room<float>(100);
  trial.ok(copy(trial, x, y, 100, 0, fixed ? 0 : 100000000));
  trial.ok(cudaStreamSynchronize(trial.stream));
}
void read_into_the_next_array(Trial& trial, bool fixed) {  // far enough to be inside another allocation's neighbourhood
  float *x = trial.array(ramp(64)), *next = trial.array(ramp(64)), *y = trial.room<float>(64);
  const int64_t distance = next - x;
  trial.ok(copy(trial, x, y, 64, fixed ? 0 : -distance + 32, 0));
  trial.ok(cudaStreamSynchronize(trial.stream));
}
void uninitialised_memory(Trial& trial, bool fixed) {
  float *x = trial.room<float>(8), *y = trial.room<float>(8);
  if (fixed) trial.ok(cudaMemsetAsync(x, 0, 32, trial.stream));
  trial.ok(copy(trial, x, y, 8, 0, 0));
  trial.expect_values(y, std::vector<float>(8, 0.0f), "zeros");
}

template <bool Bug> __global__ void __launch_bounds__(32) shared_overrun_kernel(float* y) {
  PF_SHARED(float, values, [32]);
  PF_SHARED(float, next, [32]);
  next[threadIdx.x] = 5;
  __syncthreads();
  values[threadIdx.x + (Bug ? 1 : 0)] = 1;
  __syncthreads();
  y[threadIdx.x] = next[threadIdx.x] + (Bug ? 0.0f : values[threadIdx.x]);
}
void shared_overrun(Trial& trial, bool fixed) {
  float* y = trial.room<float>(32);
  trial.ok(fixed ? PF_LAUNCH(shared_overrun_kernel<false>, 1, 32, 0, trial.stream, y)
                 : PF_LAUNCH(shared_overrun_kernel<true>, 1, 32, 0, trial.stream, y));
  trial.ok(cudaStreamSynchronize(trial.stream));
}

template <bool Bug> __global__ void __launch_bounds__(32) uninitialised_shared_kernel(float* y) {
  PF_SHARED(float, total, [1]);
  if (!Bug && threadIdx.x == 0) total[0] = 0;
  __syncthreads();
  atomicAdd(&total[0], 1.0f);
  __syncthreads();
  if (threadIdx.x == 0) *y = total[0];
}
void uninitialised_shared(Trial& trial, bool fixed) {
  float* y = trial.room<float>(1);
  trial.ok(fixed ? PF_LAUNCH(uninitialised_shared_kernel<false>, 1, 32, 0, trial.stream, y)
                 : PF_LAUNCH(uninitialised_shared_kernel<true>, 1, 32, 0, trial.stream, y));
  trial.expect_values(y, {32.0f}, "the sum");
}

enum class ShuffleBug { none, lanes_stay_away, not_in_mask, inactive_source, two_masks };

/// Lanes of the lower half take their neighbour's value.
template <ShuffleBug Bug> __global__ void __launch_bounds__(32) shuffle_kernel(float* y) {
  float v = float(threadIdx.x);
  const int lane = int(threadIdx.x);
  if (lane < 16) {
    if constexpr (Bug == ShuffleBug::lanes_stay_away) v = __shfl_sync(all_lanes, v, (lane + 1) % 16);
    else if constexpr (Bug == ShuffleBug::not_in_mask) v = __shfl_sync(0xff00u, v, 8);
    else if constexpr (Bug == ShuffleBug::inactive_source) v = __shfl_sync(0xffffu, v, lane + 1);
    else if constexpr (Bug == ShuffleBug::two_masks) v = __shfl_sync(lane < 8 ? 0xffffu : 0xff00u, v, 8);
    else v = __shfl_sync(0xffffu, v, (lane + 1) % 16);
  }
  if constexpr (Bug == ShuffleBug::lanes_stay_away) __syncwarp();
  y[lane] = v;
}
template <ShuffleBug Bug> void shuffle(Trial& trial, bool fixed) {
  float* y = trial.room<float>(32);
  trial.ok(fixed ? PF_LAUNCH(shuffle_kernel<ShuffleBug::none>, 1, 32, 0, trial.stream, y)
                 : PF_LAUNCH(shuffle_kernel<Bug>, 1, 32, 0, trial.stream, y));
  trial.ok(cudaStreamSynchronize(trial.stream));
}

__global__ void __launch_bounds__(threads) pack_kernel(const float* x, float* y, int64_t packs) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < packs) cuda::store_pack(y + 4 * i, cuda::load_pack(x + 4 * i));
}
void misaligned_pack(Trial& trial, bool fixed) {
  float *x = trial.array(ramp(64)), *y = trial.room<float>(64);
  trial.ok(PF_LAUNCH_INDEPENDENT(pack_kernel, 1, threads, 0, trial.stream, x + (fixed ? 4 : 1), y, int64_t(8)));
  trial.ok(cudaStreamSynchronize(trial.stream));
}
__global__ void double_kernel(const char* x, double* y) { *y = *reinterpret_cast<const double*>(x); }
void misaligned_element(Trial& trial, bool fixed) {
  double* x = trial.array(std::vector<double>(4, 2.0));
  double* y = trial.room<double>(1);
  trial.ok(PF_LAUNCH_INDEPENDENT(double_kernel, 1, 1, 0, trial.stream,
                                 reinterpret_cast<const char*>(x) + (fixed ? 8 : 4), y));
  trial.ok(cudaStreamSynchronize(trial.stream));
}

__global__ void follow_kernel(float* const* where) { **where = 1; }
void kernel_touches_host_memory(Trial& trial, bool fixed) {
  std::vector<float> host(4);
  float* device = trial.room<float>(4);
  float** where = trial.array(std::vector<float*>{fixed ? device : host.data()});
  trial.ok(PF_LAUNCH_INDEPENDENT(follow_kernel, 1, 1, 0, trial.stream, where));
  trial.ok(cudaStreamSynchronize(trial.stream));
}

int variable_of_the_host = 0;
__global__ void global_variable_kernel(int* y) { ++*y; }
void kernel_writes_host_variable(Trial& trial, bool fixed) {
  int* y = fixed ? trial.array(std::vector<int>{0}) : &variable_of_the_host;
  trial.ok(PF_LAUNCH_INDEPENDENT(global_variable_kernel, 1, 1, 0, trial.stream, y));
  trial.ok(cudaStreamSynchronize(trial.stream));
}

void barrier_in_independent_kernel(Trial& trial, bool fixed) {
  float* x = trial.array(ramp(threads));
  float* out = trial.array(std::vector<float>{0});
  trial.ok(fixed ? PF_LAUNCH(sum_kernel<SumBug::none>, 1, threads, 0, trial.stream, x, out)
                 : PF_LAUNCH_INDEPENDENT(sum_kernel<SumBug::none>, 1, threads, 0, trial.stream, x, out));
  trial.expect_values(out, {sum_to(threads)}, "the sum");
}

}  // namespace

const std::vector<Bug> kernel_bugs = {
    {"missing_barrier", "shared memory is read before all threads have written", sum<SumBug::no_barrier>},
    {"early_exit", "threads leave before a barrier that others wait at", sum<SumBug::early_exit>},
    {"barrier_in_branch", "only some threads come to a barrier", sum<SumBug::barrier_in_branch>},
    {"two_barriers", "threads of a block meet at different barriers", sum<SumBug::two_barriers>},
    {"sum_for_atomic", "blocks add to one number by += instead of atomicAdd", sum<SumBug::lost_update>},
    {"missing_second_barrier", "a scan overwrites what a neighbour has yet to read", scan_without_second_barrier},
    {"missing_syncwarp", "lanes exchange values by shared memory without __syncwarp", missing_syncwarp},
    {"counting_without_atomics", "threads of a block count by ++ in shared memory", counting_without_atomics},
    {"missing_fence", "the last block reads results that were not fenced before the counter", missing_fence},
    {"read_off_by_one", "one element past the end is read", read_off_by_one},
    {"read_before_the_start", "one element before the start is read", read_before_the_start},
    {"write_off_by_one", "one element past the end is written", write_off_by_one},
    {"write_far_outside", "far past the end is written", write_far_outside},
    {"read_across_arrays", "an index runs from one array towards the next", read_into_the_next_array},
    {"uninitialised_memory", "memory is read before it is written", uninitialised_memory},
    {"shared_overrun", "a shared array is written past its end", shared_overrun},
    {"uninitialised_shared", "shared memory is taken for zero", uninitialised_shared},
    {"lanes_stay_away", "a full mask where half of the warp does not come", shuffle<ShuffleBug::lanes_stay_away>},
    {"lane_not_in_mask", "a lane shuffles with a mask that it is not in", shuffle<ShuffleBug::not_in_mask>},
    {"inactive_source", "a shuffle reads a lane that takes no part", shuffle<ShuffleBug::inactive_source>},
    {"two_masks", "lanes of one shuffle give different masks", shuffle<ShuffleBug::two_masks>},
    {"misaligned_pack", "16 bytes are read at an address that is no multiple of 16", misaligned_pack},
    {"misaligned_element", "a float64 is read at an address that is no multiple of 8", misaligned_element},
    {"kernel_touches_host_memory", "a kernel follows a pointer to host memory", kernel_touches_host_memory},
    {"kernel_writes_host_variable", "a kernel is given the address of a global variable", kernel_writes_host_variable},
    {"barrier_in_independent_kernel", "a kernel launched as independent has a barrier", barrier_in_independent_kernel},
};

}  // namespace pf::mutation
