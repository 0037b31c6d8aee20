#pragma once
// The launch of a kernel on the CPU: its parameters are copied when it is launched, as the real runtime does, and again
// for each thread.

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "emulator/device_thread.h"

namespace pf::emulator {

struct KernelLaunch {
  const void* kernel = nullptr;
  dim3 grid, block;
  size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
  size_t parameter_bytes = 0;
  bool independent = false;  // its threads must not synchronise
  std::vector<std::max_align_t> parameters;
  void (*run_thread)(const void* kernel, const void* parameters) = nullptr;
};
cudaError_t enqueue_kernel(KernelLaunch launch);

/// Where each parameter stands among the bytes, as in a structure of them; last, how many bytes there are.
template <class... P> constexpr std::array<size_t, sizeof...(P) + 1> parameter_places() {
  std::array<size_t, sizeof...(P) + 1> places{};
  size_t i = 0, end = 0;
  ((end = (end + alignof(P) - 1) / alignof(P) * alignof(P), places[i++] = end, end += sizeof(P)), ...);
  places[i] = end;
  return places;
}

/// Calls a kernel with copies of the parameters.
template <class... P> struct KernelThread {
  static constexpr auto places = parameter_places<P...>();
  PF_EMULATOR_UNCHECKED static void run(const void* kernel, const void* parameters) {
    call(kernel, static_cast<const std::byte*>(parameters), std::index_sequence_for<P...>{});
  }

 private:
  template <size_t... I>
  PF_EMULATOR_UNCHECKED static void call(const void* kernel, const std::byte* bytes, std::index_sequence<I...>) {
    reinterpret_cast<void (*)(P...)>(const_cast<void*>(kernel))(*reinterpret_cast<const P*>(bytes + places[I])...);
  }
};

template <class... P, class... A>
cudaError_t launch_kernel(bool independent, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                          cudaStream_t stream, A&&... arguments) {
  constexpr auto places = KernelThread<P...>::places;
  KernelLaunch launch;
  launch.kernel = reinterpret_cast<const void*>(kernel);
  launch.grid = grid;
  launch.block = block;
  launch.shared_bytes = shared_bytes;
  launch.stream = stream;
  launch.parameter_bytes = places.back();
  launch.independent = independent;
  launch.parameters.resize(places.back() / sizeof(std::max_align_t) + 1);
  auto* bytes = reinterpret_cast<std::byte*>(launch.parameters.data());
  size_t i = 0;
  ((new (bytes + places[i++]) P(std::forward<A>(arguments))), ...);
  launch.run_thread = &KernelThread<P...>::run;
  return enqueue_kernel(std::move(launch));
}

}  // namespace pf::emulator
