#pragma once
// What kernels move, counted by the race checker while they run on the CPU.

#include <map>
#include <string>

namespace pf::budget {

struct Traffic {
  double bytes = 0;         // different bytes of global memory, read or written
  double sector_bytes = 0;  // 32 for each sector asked for
  int threads = 0;          // of a block
  int64_t shared = 0;       // bytes of dynamic shared memory
  double ratio() const { return bytes > 0 ? sector_bytes / bytes : 0; }
};

/// Runs each kind of kernel once on some 10,000 elements; by kernel and body ("flat_pass VjpBody"), the worst instance.
std::map<std::string, Traffic> measure_traffic(const std::string& checked_library);

}  // namespace pf::budget
