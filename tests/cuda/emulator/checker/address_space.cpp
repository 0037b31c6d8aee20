#include "emulator/checker/address_space.h"

#include <link.h>

#include <vector>

#include "emulator/device_memory.h"
#include "emulator/fiber.h"
#include "emulator/shared_memory.h"

namespace pf::emulator::checker {
namespace {

struct Segment {
  const char* begin;
  const char* end;
};

/// Segments of the program and its shared objects: constants and the emulator's own variables lie there.
std::vector<Segment> loaded_segments() {
  std::vector<Segment> segments;
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void* list) {
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const auto& header = object->dlpi_phdr[i];
          if (header.p_type != PT_LOAD) continue;
          const char* begin = reinterpret_cast<const char*>(object->dlpi_addr + header.p_vaddr);
          static_cast<std::vector<Segment>*>(list)->push_back({begin, begin + header.p_memsz});
        }
        return 0;
      },
      &segments);
  return segments;
}

bool in_program(const char* address) {
  static std::vector<Segment> segments = loaded_segments();
  for (int attempt = 0; attempt < 2; ++attempt) {
    for (const Segment& segment : segments) {
      if (address >= segment.begin && address < segment.end) return true;
    }
    segments = loaded_segments();  // more may have been loaded meanwhile
  }
  return false;
}

}  // namespace

AddressSpace address_space(const void* address) {
  if (in_device_memory(address)) return AddressSpace::device;
  if (in_shared_memory(address)) return AddressSpace::shared;
  if (on_fiber_stack(address)) return AddressSpace::local;
  return in_program(static_cast<const char*>(address)) ? AddressSpace::program : AddressSpace::host;
}

}  // namespace pf::emulator::checker
