#pragma once
// Device memory: blocks from the driver's stream-ordered pool, kept in free lists by size class when released, so that a
// training step after the first few asks nothing of the driver. All work is on one stream, so a block that is released
// while a kernel still reads it is only written by later kernels.

#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "tensor/cuda/launch.h"
#include "tensor/cuda_backend.h"

namespace pf::cuda {

class MemoryPool {
 public:
  explicit MemoryPool(cudaStream_t stream) : stream_(stream) {}
  MemoryPool(const MemoryPool&) = delete;

  /// Throws Error that says what was asked for, what lives and the largest blocks, when the device has no more.
  void* allocate(size_t bytes);
  void release(void* block, size_t bytes) noexcept;
  /// Gives all cached blocks back to the driver.
  void trim() noexcept;
  MemoryStatistics statistics();

 private:
  std::string holders() const;

  cudaStream_t stream_;
  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;  // by size of the class
  std::map<size_t, int64_t> live_;
  MemoryStatistics statistics_;
};

}  // namespace pf::cuda
