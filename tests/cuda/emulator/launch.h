#pragma once
// The launch of a kernel on the CPU: its parameters are copied when it is launched, as the real runtime does, and again
// for each thread.

#include <cuda_runtime_api.h>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "emulator/device_thread.h"

namespace pf::emulator {

struct KernelLaunch {
  const void* kernel = nullptr;
  dim3 grid, block;
  size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
  size_t parameter_bytes = 0;
  bool independent = false;                // its threads must not synchronise
  std::shared_ptr<const void> parameters;  // of run_thread
  void (*run_thread)(const void* parameters) = nullptr;
};
cudaError_t enqueue_kernel(KernelLaunch launch);

/// A kernel with values for its parameters.
template <class... P> struct BoundKernel {
  void (*kernel)(P...);
  std::tuple<P...> parameters;

  PF_EMULATOR_UNCHECKED static void run_thread(const void* bound) { run(bound, std::index_sequence_for<P...>{}); }

 private:
  template <size_t... I> PF_EMULATOR_UNCHECKED static void run(const void* bound, std::index_sequence<I...>) {
    const auto& self = *static_cast<const BoundKernel*>(bound);
    self.kernel(std::get<I>(self.parameters)...);
  }
};

template <class... P, class... A>
cudaError_t launch_kernel(bool independent, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                          cudaStream_t stream, A&&... arguments) {
  using Bound = BoundKernel<P...>;
  return enqueue_kernel(
      {.kernel = reinterpret_cast<const void*>(kernel),
       .grid = grid,
       .block = block,
       .shared_bytes = shared_bytes,
       .stream = stream,
       .parameter_bytes = (sizeof(P) + ... + 0),
       .independent = independent,
       .parameters = std::make_shared<const Bound>(Bound{kernel, std::tuple<P...>(std::forward<A>(arguments)...)}),
       .run_thread = &Bound::run_thread});
}

}  // namespace pf::emulator
