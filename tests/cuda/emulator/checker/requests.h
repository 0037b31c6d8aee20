#pragma once
// How well warps use memory. The n-th execution of one line by the lanes of a warp is one request; it costs 32-byte sectors
// of global memory, or passes over the 32 banks of shared memory.

#include <cstdint>
#include <map>
#include <vector>

namespace pf::emulator::checker {

struct LineStatistics {
  bool shared = false, write = false;
  uint64_t requests = 0, units = 0, ideal = 0;
};
struct KernelStatistics {
  uint64_t launches = 0, sectors_read = 0, sectors_written = 0, bytes_read = 0, bytes_written = 0;
  uint64_t most_threads = 0, most_shared = 0;
};

class Requests {
 public:
  void begin_block(const void* kernel, uint32_t threads);
  void add(uint32_t thread, uint32_t site, uintptr_t address, uint32_t bytes, bool shared, bool write);
  void end_block();

  using LineKey = std::pair<const void*, uint32_t>;  // kernel, site
  std::map<LineKey, LineStatistics> lines;
  std::map<const void*, KernelStatistics> kernels;

 private:
  struct LaneAccess {
    uint64_t key;  // warp, site, how many times before, lane
    uintptr_t address;
    uint32_t bytes;
    bool shared, write;
  };
  const void* kernel_ = nullptr;
  uint32_t threads_ = 0;
  std::vector<LaneAccess> accesses_;
  std::vector<std::vector<uint32_t>> executions_;  // [site][thread]
  std::vector<uint32_t> sites_of_block_;

  void count_request(const LaneAccess* first, const LaneAccess* last);
};

}  // namespace pf::emulator::checker
