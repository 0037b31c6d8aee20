#pragma once
// The CUDA C++ language for g++: with this header in place of nvcc's built-in one, kernels compile for execution on the
// CPU. NVIDIA's host headers stay, so calls of the runtime are checked against the true prototypes. What is not here
// does not compile; nothing is silently replaced.

#include <cuda_runtime.h>

#include <type_traits>

#include "emulator/device_thread.h"

// Keywords. __noinline__ is not defined: the standard library writes __attribute__((__noinline__)).
#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __forceinline__
#undef __noinline__
#undef __launch_bounds__
#undef __grid_constant__
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
// A bare __shared__ would be a local variable of each thread.
#define __shared__ static_assert(false, "write PF_SHARED or PF_DYNAMIC_SHARED"),

// Variables, not macros: cudaLaunchConfig_t has members called gridDim and blockDim. Not per host thread: one kernel
// runs at a time.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

#define PF_SHARED(T, name, ...)                                                                                   \
  using name##_of_block = T __VA_ARGS__;                                                                          \
  static_assert(std::is_trivially_default_constructible_v<name##_of_block>, "shared memory has no constructors"); \
  static ::pf::emulator::SharedSite name##_site;                                                                  \
  auto& name = *static_cast<name##_of_block*>(                                                                    \
      ::pf::emulator::shared_array(name##_site, sizeof(name##_of_block), alignof(name##_of_block)))
#define PF_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(::pf::emulator::dynamic_shared())

#include "emulator/device_atomics.h"
#include "emulator/device_intrinsics.h"
#include "emulator/device_sync.h"
#include "emulator/launch.h"
