#pragma once
// Device memory: blocks from the driver's stream-ordered pool, kept in free lists by size class when released, so that a
// training step after the first few asks nothing of the driver. All work is on one stream, so a block that is released
// while a kernel still reads it is only written by later kernels.

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "tensor/cuda/launch.h"
#include "tensor/cuda_backend.h"

namespace pf::cuda {

/// The blocks that a captured graph works on. They are kept for it until it is released.
struct GraphMemory {
  std::unordered_map<void*, size_t> blocks;   // and the size of the class
  std::map<size_t, std::vector<void*>> free;  // those that nobody holds: used again while it is captured
};

class MemoryPool {
 public:
  explicit MemoryPool(cudaStream_t stream) : stream_(stream) {}
  MemoryPool(const MemoryPool&) = delete;
  ~MemoryPool();

  /// Throws OutOfDeviceMemory that says what was asked for, what lives and the largest blocks, when the device has no more.
  void* allocate(size_t bytes);
  void release(void* block, size_t bytes) noexcept;
  /// Gives all cached blocks back to the driver.
  void trim() noexcept;
  MemoryStatistics statistics();

  /// What is allocated from now on, until end_graph, is the graph's.
  void begin_graph(GraphMemory& memory);
  void end_graph();
  /// What is still held stays with its holder; the rest is for everybody again.
  void release_graph(GraphMemory& memory) noexcept;

 private:
  std::string holders() const;
  void* from_driver(size_t size, size_t asked);
  void give_back(cudaStream_t stream) noexcept;  // all cached blocks, in the order of this stream

  cudaStream_t stream_;
  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;  // by size of the class
  std::map<size_t, int64_t> live_;
  std::set<GraphMemory*> graphs_;
  GraphMemory* captured_ = nullptr;     // of the capture that is going on
  cudaStream_t beside_ = nullptr;       // where memory is asked for meanwhile: the stream itself would keep the request
  cudaEvent_t before_graph_ = nullptr;  // when what was queued before the capture is done
  MemoryStatistics statistics_;
};

}  // namespace pf::cuda
