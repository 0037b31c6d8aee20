#include <string>

#include "emulator/block.h"
#include "emulator/checker.h"
#include "emulator/source_lines.h"

namespace pf::emulator {

void note_access(const void* address, unsigned bytes, bool write, bool atomic, const void* caller) {
  const auto code = reinterpret_cast<uintptr_t>(caller ? caller : __builtin_return_address(0));
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    thread_fault(cudaErrorMisalignedAddress,
                 [&] { return "misaligned access of " + std::to_string(bytes) + " bytes at " + source_line(code); });
  }
  checker::access(address, bytes, write, atomic, code);
}

void thread_fence() { checker::fenced(); }

}  // namespace pf::emulator
