#pragma once
// Memory for tensors and graph nodes: blocks aligned to 64 bytes, kept in free lists by size class when released, so
// that a training step after the first few asks nothing of the system.

#include <cstddef>
#include <cstdint>

namespace pf {

struct AllocatorStatistics {
  int64_t live_bytes = 0;          // handed out now
  int64_t peak_bytes = 0;          // the most ever handed out at once
  int64_t cached_bytes = 0;        // released, kept for reuse
  int64_t allocations = 0;         // requests served
  int64_t system_allocations = 0;  // requests that had to go to the system
};

/// A block of at least `bytes` bytes, aligned to 64. Throws Error saying what was asked for, what lives and the largest
/// blocks when memory runs out (or would exceed the machine's).
void* allocate(size_t bytes);
/// `bytes` as given to allocate().
void release(void* block, size_t bytes) noexcept;

AllocatorStatistics allocator_statistics();
/// Gives all cached blocks back to the system.
void trim_allocator();
/// The most bytes that may be handed out at once; by default the machine's memory.
void set_memory_limit(int64_t bytes);

}  // namespace pf
