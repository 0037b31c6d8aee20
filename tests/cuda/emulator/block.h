#pragma once
// One block of a grid, executed: its CUDA threads in the order of the settings, each until it ends or has to wait for
// others. A thread that never waits is a plain function call; only one that waits keeps a fiber.

#include <cuda_runtime_api.h>

#include <string>
#include <vector>

#include "emulator/device_thread.h"
#include "emulator/fault.h"
#include "emulator/fiber.h"
#include "emulator/launch.h"

namespace pf::emulator {

enum class ThreadState : uint8_t { not_started, ready, at_barrier, in_collective, done };

struct CudaThread {
  uint3 index{};
  uint32_t linear = 0, lane = 0, warp = 0;
  ThreadState state = ThreadState::not_started;
  Fiber* fiber = nullptr;
  Place place;  // of the barrier or collective that it waits in
  BarrierKind barrier = BarrierKind::plain;
  bool predicate = false;
  WarpOperation operation = WarpOperation::sync;
  uint32_t mask = 0;
  int source = 0;
  uint64_t value = 0, result = 0;
};

struct Block {
  const KernelLaunch* launch = nullptr;
  uint3 index{};
  uint64_t linear = 0;  // in the grid
  uint32_t epoch = 0;   // barriers passed
  uint32_t size = 0;    // threads
  std::vector<CudaThread> threads;
  uint32_t done = 0, at_barrier = 0;  // how many threads are in these states
  struct WarpLanes {
    uint32_t done = 0, in_collective = 0;  // masks
  };
  std::vector<WarpLanes> warps;
  uint32_t started = 0;
  std::vector<uint32_t> order;
  bool failed = false;
};

/// The block and the CUDA thread that run; no thread: host code runs.
Block& running();
extern CudaThread* current_thread;
/// Whether this host thread runs a CUDA thread now; others go on with host code meanwhile.
bool in_cuda_thread();

/// Runs the kernel for all threads of one block; false if it failed.
bool run_block(const KernelLaunch& launch, uint3 index, uint64_t linear);
/// Runs all blocks, one after another, in the order of the settings.
void run_grid(const KernelLaunch& launch);

[[noreturn]] void end_thread(cudaError_t error, std::string text, FaultKind kind);
/// The current thread did something wrong: reports it with its kernel, block and thread, and ends the block. `explain` gives
/// the text; a function, because nothing that the caller holds is destroyed.
template <class Explain>
[[noreturn]] void thread_fault(cudaError_t error, Explain explain, FaultKind kind = FaultKind::kernel) {
  end_thread(error, explain(), kind);
}
/// kernel …, block (…), thread (…)
std::string describe(const CudaThread& thread);
std::string to_string(const Place& place);

/// On the fiber of the current thread: lets the others run. The thread's state says what it waits for.
void wait_for_others();
/// After a lane has arrived in a collective or has ended: lets those go on whose mask is complete.
void complete_collectives(uint32_t warp);
/// Why the lane waits, for the report of a deadlock.
std::string explain_collective(const CudaThread& thread);

}  // namespace pf::emulator
