#include "emulator/block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "emulator/checker.h"
#include "emulator/fault.h"
#include "emulator/kernel_names.h"
#include "emulator/settings.h"
#include "emulator/shared_memory.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace pf::emulator {
namespace {

Block block;
std::vector<Fiber*> idle_fibers;
Fiber* current_fiber = nullptr;
__attribute__((tls_model("initial-exec"))) thread_local bool runs_cuda_threads = false;

void enter_thread(CudaThread& thread) {
  current_thread = &thread;
  threadIdx = thread.index;
}

/// What a fiber does: starts threads until one waits, later ends that one and starts more.
void run_threads() {
  for (;;) {
    while (block.started < block.size) {
      CudaThread& thread = block.threads[block.order[block.started++]];
      thread.fiber = current_fiber;
      thread.state = ThreadState::ready;
      enter_thread(thread);
      block.launch->run_thread(block.launch->kernel, block.launch->parameters.data());
      thread.state = ThreadState::done;
      thread.fiber = nullptr;
      ++block.done;
      block.warps[thread.warp].done |= 1u << thread.lane;
      if (block.warps[thread.warp].in_collective) complete_collectives(thread.warp);
    }
    idle_fibers.push_back(current_fiber);
    Fiber::suspend();
  }
}

void resume(Fiber& fiber) {
  current_fiber = &fiber;
  runs_cuda_threads = true;
  fiber.resume();
  runs_cuda_threads = false;
  current_fiber = nullptr;
  current_thread = nullptr;
}

void start_remaining_threads() {
  while (block.started < block.size && !block.failed) {
    if (idle_fibers.empty()) {
      static size_t made = 0;
      Fiber& fiber = Fiber::get(made++);
      fiber.prepare(&run_threads);
      resume(fiber);
    } else {
      Fiber& fiber = *idle_fibers.back();
      idle_fibers.pop_back();
      resume(fiber);
    }
  }
}

/// The fibers of threads that will not go on.
void give_up_fibers() {
  for (CudaThread& thread : block.threads) {
    if (!thread.fiber) continue;
    thread.fiber->prepare(&run_threads);
    idle_fibers.push_back(thread.fiber);
    thread.fiber = nullptr;
  }
}

void fail_block(const CudaThread& thread, const std::string& text) {
  block.failed = true;
  report_fault(FaultKind::kernel, cudaErrorLaunchFailure, text + " [" + describe(thread) + "]");
}

/// All threads are at a barrier: at the same one?
bool release_barrier() {
  const CudaThread& first = block.threads[0];
  int count = 0;
  for (const CudaThread& thread : block.threads) {
    if (!(thread.place == first.place) || thread.barrier != first.barrier) {
      fail_block(thread, "threads of one block meet at different barriers: " + to_string(thread.place) + " and " +
                             to_string(first.place));
      return false;
    }
    count += thread.predicate;
  }
  const int result = first.barrier == BarrierKind::count ? count
                     : first.barrier == BarrierKind::all ? count == int(block.size)
                                                         : count != 0;
  for (CudaThread& thread : block.threads) {
    thread.result = uint64_t(result);
    thread.state = ThreadState::ready;
  }
  ++block.epoch;
  block.at_barrier = 0;
  return true;
}

void report_deadlock() {
  const auto waiting = [](ThreadState state) {
    return std::find_if(block.threads.begin(), block.threads.end(),
                        [=](const CudaThread& thread) { return thread.state == state; });
  };
  if (const auto thread = waiting(ThreadState::in_collective); thread != block.threads.end()) {
    fail_block(*thread, explain_collective(*thread));
    return;
  }
  const auto thread = waiting(ThreadState::at_barrier);
  fail_block(*thread, "divergent barrier at " + to_string(thread->place) + ": " + std::to_string(block.at_barrier) +
                          " of " + std::to_string(block.size) + " threads arrived, the others have ended");
}

void shuffle_order() {
  for (size_t i = block.order.size(); i > 1; --i) std::swap(block.order[i - 1], block.order[random_below(i)]);
}

void set_shape(dim3 shape) {
  block.size = shape.x * shape.y * shape.z;
  block.threads.assign(block.size, {});
  for (uint32_t i = 0; i < block.size; ++i) {
    CudaThread& thread = block.threads[i];
    thread.linear = i;
    thread.lane = i % 32;
    thread.warp = i / 32;
    thread.index = {i % shape.x, i / shape.x % shape.y, i / (shape.x * shape.y)};
  }
}

}  // namespace

Block& running() { return block; }
CudaThread* current_thread = nullptr;
bool in_cuda_thread() { return runs_cuda_threads && current_thread; }

bool run_block(const KernelLaunch& launch, uint3 index, uint64_t linear) {
  if (block.launch != &launch) set_shape(launch.block);
  block.launch = &launch;
  block.index = index;
  block.linear = linear;
  block.epoch = 0;
  block.started = 0;
  block.failed = false;
  block.done = block.at_barrier = 0;
  block.warps.assign((block.size + 31) / 32, {});
  for (CudaThread& thread : block.threads) thread.state = ThreadState::not_started;
  if (block.order.size() != block.size) {
    block.order.resize(block.size);
    std::iota(block.order.begin(), block.order.end(), 0u);
  }
  ++running_block;
  begin_shared_memory(launch.shared_bytes);
  blockIdx = index;
  checker::begin_block(block);

  if (settings().order == Order::random) shuffle_order();
  start_remaining_threads();
  while (!block.failed) {
    if (block.done == block.size) break;
    if (block.at_barrier == block.size && !release_barrier()) break;
    if (settings().order == Order::random) shuffle_order();
    bool progress = false;
    for (uint32_t i : block.order) {
      CudaThread& thread = block.threads[i];
      if (thread.state != ThreadState::ready) continue;
      progress = true;
      enter_thread(thread);
      resume(*thread.fiber);
      if (block.failed) break;
    }
    if (!progress) report_deadlock();
  }
  checker::end_block(block);
  if (block.failed) give_up_fibers();
  return !block.failed;
}

void run_grid(const KernelLaunch& launch) {
  const dim3 grid = launch.grid;
  const uint64_t count = uint64_t(grid.x) * grid.y * grid.z;
  blockDim = launch.block;
  gridDim = grid;
  block.launch = nullptr;
  block.order.resize(launch.block.x * launch.block.y * launch.block.z);
  std::iota(block.order.begin(), block.order.end(), 0u);
  const Order order = settings().order;
  if (order == Order::reverse) std::reverse(block.order.begin(), block.order.end());
  uint64_t start = 0, step = 1;  // random order of blocks: a step without common factor visits each once
  if (order == Order::random && count > 1) {
    start = random_below(count);
    do step = random_below(count) | 1;
    while (std::gcd(step, count) != 1);
  }
  checker::begin_launch(launch);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t linear = order == Order::forward ? i
                            : order == Order::reverse
                                ? count - 1 - i
                                : uint64_t((start + static_cast<unsigned __int128>(i) * step) % count);
    const uint3 index = {unsigned(linear % grid.x), unsigned(linear / grid.x % grid.y),
                         unsigned(linear / grid.x / grid.y)};
    if (!run_block(launch, index, linear)) break;
  }
  checker::end_launch(launch);
  block.launch = nullptr;
}

void wait_for_others() { Fiber::suspend(); }

int block_barrier(BarrierKind kind, bool predicate, Place place) {
  CudaThread& thread = *current_thread;
  if (block.launch->independent) {
    thread_fault(cudaErrorLaunchFailure,
                 [&] { return "barrier at " + to_string(place) + " in a kernel launched as independent"; });
  }
  thread.state = ThreadState::at_barrier;
  ++block.at_barrier;
  thread.barrier = kind;
  thread.predicate = predicate;
  thread.place = place;
  wait_for_others();
  return int(thread.result);
}

void end_thread(cudaError_t error, std::string text, FaultKind kind) {
  CudaThread& thread = *current_thread;
  thread.fiber = current_fiber;
  block.failed = true;
  report_fault(kind, error, text + " [" + describe(thread) + "]");
  std::string().swap(text);
  Fiber::abandon();
  std::abort();
}

void device_trap(Place place) {
  thread_fault(cudaErrorAssert, [&] { return "the kernel gave up at " + to_string(place); });
}

bool Place::operator==(const Place& other) const {
  return line == other.line && (file == other.file || !std::strcmp(file, other.file));
}

std::string to_string(const Place& place) { return std::string(place.file) + ":" + std::to_string(place.line); }

static std::string to_string(const uint3& index) {
  return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z) + ")";
}

std::string describe(const CudaThread& thread) {
  return "kernel " + kernel_name(block.launch->kernel) + ", block " + to_string(block.index) + ", thread " +
         to_string(thread.index);
}

}  // namespace pf::emulator
