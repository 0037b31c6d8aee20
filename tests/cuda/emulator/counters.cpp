#include "emulator/counters.h"

namespace pf::emulator {

Counters& counters() {
  static Counters instance{};
  return instance;
}

std::map<const void*, KernelCounts>& kernel_counts() {
  static std::map<const void*, KernelCounts> counts;
  return counts;
}

}  // namespace pf::emulator
