#include "emulator/device_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <unordered_map>
#include <vector>

#include "emulator/freed_ranges.h"
#include "emulator/sanitizer.h"
#include "emulator/settings.h"

namespace pf::emulator {
namespace {

// Huge pages: lifting and restoring the protection takes a time that grows with the number of pages.
constexpr size_t reservation = size_t(1) << 40, page = size_t(2) << 20, alignment = 256, red_zone = 256;

char* arena = nullptr;
char* arena_end = nullptr;
char* next_address = nullptr;
int openings = 0;
char* open_end = nullptr;  // up to where it is open
std::map<uintptr_t, Allocation> allocations;
std::unordered_map<int, size_t> in_use;
std::unordered_map<size_t, std::vector<char*>> reusable;  // by size class
FreedRanges freed;

char* round_up(char* address, size_t unit) {
  return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(address) + unit - 1) / unit * unit);
}

void create_arena() {
  void* mapped = mmap(nullptr, reservation, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    std::perror("emulator: cannot reserve 1 TiB of addresses for device memory");
    std::_Exit(70);
  }
  arena = round_up(static_cast<char*>(mapped), page);
  arena_end = static_cast<char*>(mapped) + reservation - page;
  madvise(arena, size_t(arena_end - arena), MADV_HUGEPAGE);
  next_address = arena + red_zone;
}

void open_up_to(char* end) {
  mprotect(arena, size_t(end - arena), PROT_READ | PROT_WRITE);
  open_end = end;
}

size_t size_class(size_t bytes) { return std::max<size_t>(alignment, std::bit_ceil(bytes)); }

char* take_address(size_t bytes) {
  const size_t held = settings().reuse_memory ? size_class(bytes) : bytes;
  if (settings().reuse_memory) {
    auto& list = reusable[held];
    if (!list.empty()) {
      char* address = list.back();
      list.pop_back();
      return address;
    }
  }
  char* address = round_up(next_address, alignment);
  if (size_t(arena_end - address) < held + red_zone + page) {
    std::fprintf(stderr, "emulator: the 1 TiB of device addresses is used up; set PF_EMULATOR_MEMORY=reuse\n");
    std::_Exit(70);
  }
  next_address = address + held + red_zone;
  if (openings > 0 && next_address > open_end) open_up_to(round_up(next_address, page));
  return address;
}

bool holds(const Allocation* allocation, const void* address, size_t bytes) {
  const char* at = static_cast<const char*>(address);
  return at >= allocation->start && at + bytes <= allocation->start + allocation->bytes;
}

}  // namespace

OpenMemory::OpenMemory() {
  if (!arena) create_arena();
  if (openings++ == 0 && (settings().guard_memory || !open_end)) open_up_to(round_up(next_address, page));
  if (next_address > open_end) open_up_to(round_up(next_address, page));
}
OpenMemory::~OpenMemory() {
  if (--openings == 0 && settings().guard_memory) {
    mprotect(arena, size_t(open_end - arena), PROT_NONE);
    open_end = nullptr;
  }
}

Allocation* reserve_memory(size_t bytes, int device, Pool* pool) {
  if (!arena) create_arena();
  if (in_use[device] + bytes > settings().device_memory) return nullptr;
  in_use[device] += bytes;
  char* start = take_address(bytes);
  return &(allocations[reinterpret_cast<uintptr_t>(start)] = {
               .start = start, .bytes = bytes, .device = device, .pool = pool});
}

void make_accessible(Allocation& allocation) {
  OpenMemory open;
  permit(allocation.start, allocation.bytes);
  std::memset(allocation.start, 0xff, allocation.bytes);  // NaN in every floating-point format
  forbid(allocation.start - red_zone, red_zone);
  forbid(allocation.start + allocation.bytes, red_zone);
  allocation.accessible = true;
}

void make_inaccessible(Allocation& allocation) {
  if (!settings().reuse_memory) {  // reused memory is filled when it is given out again
    OpenMemory open;
    std::memset(allocation.start, 0xff, allocation.bytes);
  }
  forbid(allocation.start, allocation.bytes);
  allocation.accessible = false;
}

void release_memory(Allocation& allocation) {
  if (allocation.accessible) make_inaccessible(allocation);
  in_use[allocation.device] -= allocation.bytes;
  char* start = allocation.start;
  const size_t bytes = allocation.bytes;
  allocations.erase(reinterpret_cast<uintptr_t>(start));
  if (settings().reuse_memory) {
    reusable[size_class(bytes)].push_back(start);
    return;
  }
  // The pages that hold nothing but freed memory go back to the system, later: until then stale reads give NaN.
  const auto pages = freed.add(start - red_zone, start + bytes + red_zone);
  if (pages.end > pages.begin) {
    mmap(pages.begin, size_t(pages.end - pages.begin),
         openings > 0 || !settings().guard_memory ? PROT_READ | PROT_WRITE : PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    madvise(pages.begin, size_t(pages.end - pages.begin), MADV_HUGEPAGE);
  }
}

bool in_device_memory(const void* address) { return arena && address >= arena && address < arena_end; }

Allocation* find_allocation(const void* address, size_t bytes) {
  auto after = allocations.upper_bound(reinterpret_cast<uintptr_t>(address));
  if (after == allocations.begin()) return nullptr;
  Allocation* candidate = &std::prev(after)->second;
  return holds(candidate, address, bytes) ? candidate : nullptr;
}

const char* explain_address(const void* address) {
  if (!in_device_memory(address)) return "an address of the host";
  if (const Allocation* allocation = find_allocation(address, 1)) {
    return allocation->accessible ? "inside an allocation"
                                  : "memory whose allocation or release is not ordered with this";
  }
  if (address >= next_address) return "an address far outside of all allocations";
  return freed.contains(static_cast<const char*>(address)) ? "freed device memory" : "beside an allocation";
}

size_t memory_in_use(int device) { return in_use[device]; }

}  // namespace pf::emulator
