#pragma once
// How the emulator runs: from the environment when the library is loaded, later by its control interface (control.h).
//
//   PF_EMULATOR_ORDER    forward | reverse | random   of the threads of a block, the blocks of a grid, the nodes of a graph
//   PF_EMULATOR_STREAMS  lazy | eager | random        when work that was queued on a stream runs
//   PF_EMULATOR_SEED     number                       of everything random
//   PF_EMULATOR_MEMORY   fresh | reuse                fresh never hands out freed memory again; reuse is for long runs
//   PF_EMULATOR_GUARD    on | off                     whether the host is kept from touching device memory
//   PF_EMULATOR_ON_FAULT exit | continue              exit with 66 (fault), 67 (race) or 68 (host touched device memory)
//   PF_EMULATOR_DEVICES  number of devices; PF_EMULATOR_DEVICE_MEMORY  MiB of each
//   PF_EMULATOR_FAIL     call:n:error                 the n-th call of this name fails, or of "kernel" the n-th to run
//   PF_EMULATOR_REPORT   none | table                 what each kernel did, on stderr, when the process ends

#include <cstddef>
#include <cstdint>
#include <string>

namespace pf::emulator {

enum class Order : int { forward, reverse, random };
enum class StreamMode : int { lazy, eager, random };

struct Settings {
  Order order = Order::forward;
  StreamMode streams = StreamMode::lazy;
  uint64_t seed = 1;
  bool reuse_memory = false;
  bool guard_memory = true;
  bool exit_on_fault = true;
  bool report_table = false;
  int devices = 1;
  size_t device_memory = size_t(8) << 30;  // bytes
  std::string fail_call;                   // PF_EMULATOR_FAIL, in its parts
  uint64_t fail_at = 0;
  int fail_error = 0;
};
Settings& settings();

/// A random number below `bound`; the same sequence for the same seed.
uint64_t random_below(uint64_t bound);
void set_seed(uint64_t seed);

}  // namespace pf::emulator
