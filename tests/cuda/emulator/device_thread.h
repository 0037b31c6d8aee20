#pragma once
// What a kernel can ask of the emulator while it runs as a CUDA thread on the CPU. Kernels come here through the
// functions of the device language (device_language.h).

#include <cstddef>
#include <cstdint>

/// For functions of the emulator that are compiled together with kernels: the race checker must take their accesses for
/// the emulator's own.
#ifdef __SANITIZE_THREAD__
#define PF_EMULATOR_UNCHECKED __attribute__((no_sanitize("thread"), noinline))
#define PF_EMULATOR_CALLER __builtin_return_address(0)
#else
#define PF_EMULATOR_UNCHECKED
#define PF_EMULATOR_CALLER nullptr
#endif
/// What a kernel calls is a part of the kernel, so that reports name the kernel's line.
#define PF_EMULATOR_INLINE inline __attribute__((always_inline))

namespace pf::emulator {

/// A place in a source file, for reports.
struct Place {
  const char* file = "";
  unsigned line = 0;
  static constexpr Place here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
  bool operator==(const Place& other) const;
};

enum class BarrierKind : uint8_t { plain, count, all, any };
/// __syncthreads and its relatives; what they return.
int block_barrier(BarrierKind kind, bool predicate, Place place);

enum class WarpOperation : uint8_t { sync, shuffle, ballot, sum, smallest, largest, bit_and, bit_or, bit_xor, match };
/// Meets the other lanes of the mask. `source` is the lane that a shuffle reads.
uint64_t warp_collective(WarpOperation operation, uint32_t mask, uint64_t value, int source, Place place);
int lane_index();

/// One __shared__ array of a kernel, and where it lies for the block that runs.
struct SharedSite {
  uint64_t block = 0;
  void* data = nullptr;
};
/// Number of the block that runs, counted over all launches.
extern uint64_t running_block;
/// Lays the array out for this block: filled with NaN, between red zones.
void* place_shared(SharedSite& site, size_t bytes, size_t alignment);
PF_EMULATOR_UNCHECKED inline void* shared_array(SharedSite& site, size_t bytes, size_t alignment) {
  return site.block == running_block ? site.data : place_shared(site, bytes, alignment);
}
void* dynamic_shared();

void thread_fence();

/// An access made by the emulator for the kernel: its alignment is checked in every build, and the race checker sees it.
/// `caller` is the code in the kernel, null where the function is a part of the kernel.
void note_access(const void* address, unsigned bytes, bool write, bool atomic, const void* caller);
/// The device's own trap and assert.
[[noreturn]] void device_trap(Place place);

}  // namespace pf::emulator
