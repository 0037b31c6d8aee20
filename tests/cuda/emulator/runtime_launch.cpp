// Launches: what the runtime refuses at once, and what then runs.

#include <algorithm>
#include <string>
#include <unordered_map>

#include "emulator/api_call.h"
#include "emulator/block.h"
#include "emulator/counters.h"
#include "emulator/fault.h"
#include "emulator/kernel_names.h"
#include "emulator/launch.h"
#include "emulator/shared_memory.h"
#include "emulator/signals.h"
#include "emulator/stream.h"

namespace pf::emulator {
namespace {

constexpr uint64_t most_threads = 1024, most_parameter_bytes = 32764;  // from CUDA 12.1 and compute capability 7.0 on

/// Kernels that asked for more dynamic shared memory than the standard limit.
std::unordered_map<const void*, size_t>& shared_limits() {
  static std::unordered_map<const void*, size_t> limits;
  return limits;
}

std::string shape(dim3 size) {
  return "(" + std::to_string(size.x) + ", " + std::to_string(size.y) + ", " + std::to_string(size.z) + ")";
}

cudaError_t check(const ApiCall& call, const KernelLaunch& launch) {
  const std::string name = kernel_name(launch.kernel);
  const dim3 &grid = launch.grid, &block = launch.block;
  const uint64_t threads = uint64_t(block.x) * block.y * block.z;
  if (threads == 0 || threads > most_threads || block.z > 64) {
    return call.refuse(cudaErrorInvalidConfiguration,
                       name + ": a block of " + shape(block) + " threads; there are 1 to 1024, at most 64 in z");
  }
  if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    return call.refuse(cudaErrorInvalidConfiguration,
                       name + ": a grid of " + shape(grid) + " blocks; each size is at least 1, y and z at most 65535");
  }
  const auto limit = shared_limits().find(launch.kernel);
  const size_t most_shared = limit == shared_limits().end() ? static_shared_limit : limit->second;
  if (launch.shared_bytes > most_shared) {
    return call.refuse(cudaErrorInvalidValue, name + ": " + std::to_string(launch.shared_bytes) +
                                                  " bytes of dynamic shared memory, the limit is " +
                                                  std::to_string(most_shared) + " (cudaFuncSetAttribute raises it)");
  }
  if (launch.parameter_bytes > most_parameter_bytes) {
    return call.refuse(cudaErrorInvalidValue, name + ": " + std::to_string(launch.parameter_bytes) +
                                                  " bytes of parameters, the limit is 32764");
  }
  return cudaSuccess;
}

void run(const KernelLaunch& launch, bool in_graph) {
  if (device_error != cudaSuccess) return;
  if (const cudaError_t error = injected_kernel_failure()) {
    device_error = error;
    note_refusal("kernel " + kernel_name(launch.kernel) + " fails because the test asked for it");
    return;
  }
  if (in_graph) {
    ++counters().graph_kernels;
    ++kernel_counts()[launch.kernel].graph_runs;
  }
  prepare_for_kernel_faults();
  run_grid(launch);
}

}  // namespace

cudaError_t enqueue_kernel(KernelLaunch launch) {
  PF_EMULATOR_CALL("cudaLaunchKernelEx");
  if (cudaError_t error = check(call, launch)) return error;
  const bool captured = is_stream(launch.stream) && stream_of(launch.stream).capture;
  if (!captured) {
    ++counters().launches;
    ++kernel_counts()[launch.kernel].launches;
  }
  const void* kernel = launch.kernel;
  const cudaStream_t stream = launch.stream;
  return call.give(
      enqueue(stream, NodeKind::kernel, kernel, [launch = std::move(launch), captured] { run(launch, captured); }));
}

}  // namespace pf::emulator

using namespace pf::emulator;

extern "C" {

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  PF_EMULATOR_CALL("cudaFuncSetAttribute");
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) {
    if (value < 0 || size_t(value) > dynamic_shared_limit) {
      return call.refuse(cudaErrorInvalidValue, std::to_string(value) +
                                                    " bytes of dynamic shared memory; the device has " +
                                                    std::to_string(dynamic_shared_limit) + " for a block");
    }
    shared_limits()[kernel] = size_t(value);
    return cudaSuccess;
  }
  if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
  return call.refuse(cudaErrorInvalidValue, "an attribute that the emulator does not know");
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  PF_EMULATOR_CALL("cudaFuncGetAttributes");
  *attributes = {};
  attributes->maxThreadsPerBlock = int(most_threads);
  const auto limit = shared_limits().find(kernel);
  attributes->maxDynamicSharedSizeBytes = int(limit == shared_limits().end() ? static_shared_limit : limit->second);
  attributes->binaryVersion = attributes->ptxVersion = 86;
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*, int block_size,
                                                                   size_t shared_bytes, unsigned) {
  PF_EMULATOR_CALL("cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  if (block_size < 1 || uint64_t(block_size) > most_threads) {
    return call.refuse(cudaErrorInvalidValue, "a block of " + std::to_string(block_size) + " threads");
  }
  const int by_threads = 1536 / ((block_size + 31) / 32 * 32);
  const int by_shared = shared_bytes ? int((size_t(100) << 10) / (shared_bytes + 1024)) : 16;
  *blocks = std::min({16, by_threads, by_shared});  // registers are not known here
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int block_size,
                                                          size_t shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, block_size, shared_bytes, 0);
}

}  // extern "C"
