#pragma once
// Pools of stream-ordered memory. Here they only count: what is kept for later is a matter of a real device.

#include <cuda_runtime_api.h>

#include <cstdint>

namespace pf::emulator {

struct Pool {
  uint64_t release_threshold = 0;
  uint64_t used = 0, most_used = 0;
  void count(int64_t bytes);
};
/// null is the current device's own pool.
Pool* pool_of(cudaMemPool_t handle);

}  // namespace pf::emulator
