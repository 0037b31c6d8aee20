#include "emulator/pinned_memory.h"

#include <cstdlib>
#include <cstring>
#include <map>

namespace pf::emulator {
namespace {
std::map<const char*, size_t>& blocks() {
  static std::map<const char*, size_t> map;
  return map;
}
}  // namespace

void* pin_new(size_t bytes) {
  auto* address = static_cast<char*>(std::aligned_alloc(256, (bytes + 256) / 256 * 256));
  if (!address) return nullptr;
  std::memset(address, 0xff, bytes);
  blocks()[address] = bytes;
  return address;
}

bool unpin(void* address) {
  if (blocks().erase(static_cast<char*>(address)) == 0) return false;
  std::free(address);
  return true;
}

bool is_pinned(const void* address) {
  const char* at = static_cast<const char*>(address);
  const auto after = blocks().upper_bound(at);
  if (after == blocks().begin()) return false;
  const auto& [start, bytes] = *std::prev(after);
  return at < start + bytes;
}

}  // namespace pf::emulator
