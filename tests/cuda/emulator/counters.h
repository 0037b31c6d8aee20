#pragma once
// What the program asked of the runtime, counted: what a training step costs the host.

#include <cstdint>
#include <map>

#include "emulator/control.h"

namespace pf::emulator {

using Counters = pf_emulator_counters;
Counters& counters();

struct KernelCounts {
  uint64_t launches = 0;    // by the program
  uint64_t graph_runs = 0;  // as a node of a launched graph
};
/// By the kernel's address.
std::map<const void*, KernelCounts>& kernel_counts();

}  // namespace pf::emulator
