#include "emulator/shared_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "emulator/block.h"
#include "emulator/device_thread.h"
#include "emulator/sanitizer.h"

namespace pf::emulator {
namespace {

constexpr size_t red_zone = 64;
constexpr size_t region_bytes = size_t(1) << 20;
struct SharedArray {
  char* start;
  size_t bytes;
};

char* region = nullptr;
size_t used = 0, static_bytes = 0, dynamic_bytes_of_block = 0;
std::vector<SharedArray> arrays;
SharedSite dynamic_site;

char* carve(size_t bytes, size_t alignment) {
  alignment = std::max<size_t>(alignment, 16);
  const size_t start = (used + red_zone + alignment - 1) / alignment * alignment;
  char* data = region + start;
  used = start + bytes;
  permit(data, bytes);
  std::memset(data, 0xff, bytes);  // NaN in every floating-point format
  arrays.push_back({data, bytes});
  return data;
}

}  // namespace

uint64_t running_block = 0;

void begin_shared_memory(size_t dynamic_bytes) {
  if (!region) {
    region = static_cast<char*>(
        mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    forbid(region, region_bytes);
  } else {
    forbid(region, used);
  }
  used = static_bytes = 0;
  dynamic_bytes_of_block = dynamic_bytes;
  arrays.clear();
}

void* place_shared(SharedSite& site, size_t bytes, size_t alignment) {
  static_bytes += bytes;
  if (static_bytes > static_shared_limit) {
    thread_fault(cudaErrorInvalidConfiguration, [&] {
      return "the kernel declares " + std::to_string(static_bytes) +
             " bytes of static shared memory, the limit is 49152; ask for dynamic shared memory";
    });
  }
  site = {running_block, carve(bytes, alignment)};
  return site.data;
}

void* dynamic_shared() {
  if (dynamic_site.block != running_block) dynamic_site = {running_block, carve(dynamic_bytes_of_block, 16)};
  return dynamic_site.data;
}

bool in_shared_memory(const void* address) {
  const char* at = static_cast<const char*>(address);
  return region && at >= region && at < region + region_bytes;
}

bool in_shared_array(const void* address, size_t bytes) {
  const char* at = static_cast<const char*>(address);
  return std::any_of(arrays.begin(), arrays.end(),
                     [&](const SharedArray& a) { return at >= a.start && at + bytes <= a.start + a.bytes; });
}

}  // namespace pf::emulator
