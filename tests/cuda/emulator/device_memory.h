#pragma once
// The device's memory: one large reservation of addresses. Host code that touches it is stopped by the machine's own
// memory protection, which is lifted while kernels and copies run. Fresh memory reads as NaN; allocations lie apart; a
// freed one is never handed out again (unless the settings say so for long runs), its pages go back to the system.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace pf::emulator {

struct Pool;

struct Allocation {
  char* start = nullptr;
  size_t bytes = 0;
  int device = 0;
  Pool* pool = nullptr;         // null: by cudaMalloc
  bool accessible = false;      // between its allocation and its release, in stream order
  bool release_queued = false;  // a second release is an error
  void* graph = nullptr;        // allocated by a node of this graph
};

/// Reserves addresses; null if the device has not enough memory left. Not yet accessible.
Allocation* reserve_memory(size_t bytes, int device, Pool* pool);
/// The moment of allocation and of release in stream order.
void make_accessible(Allocation& allocation);
void make_inaccessible(Allocation& allocation);
/// Gives the memory back. The allocation is gone.
void release_memory(Allocation& allocation);

bool in_device_memory(const void* address);
/// The live allocation that holds all the bytes, or null.
Allocation* find_allocation(const void* address, size_t bytes);
/// In words where the address lies, for reports.
const char* explain_address(const void* address);

size_t memory_in_use(int device);

/// While one lives, device memory can be touched.
class OpenMemory {
 public:
  OpenMemory();
  ~OpenMemory();
  OpenMemory(const OpenMemory&) = delete;
};

}  // namespace pf::emulator
