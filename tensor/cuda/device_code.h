#pragma once
// What every source with kernels includes. The same text is compiled by nvcc for the GPU and, with PF_CUDA_EMULATED, by
// any C++ compiler for execution on the CPU under the checks of tests/cuda/. So that this stays possible, kernels are
// launched by the functions here, never by <<<>>>, and shared memory is declared by the macros here:
//
//   PF_SHARED(float, tile, [32][33]);           an array of the block
//   PF_DYNAMIC_SHARED(float, values);           float* const values: the bytes asked for at the launch
//   PF_LAUNCH(kernel<T>, grid, block, shared_bytes, stream, arguments…)              returns cudaError_t
//   PF_LAUNCH_INDEPENDENT(…)                    the same, for kernels whose threads never synchronise or shuffle
//   PF_UNROLL(n)                                before a loop: written n times. 1 where there are divisions of float64, whose
//                                               slow path holds registers in reserve: several at once would spill

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(PF_CUDA_EMULATED)
#include <emulator/device_language.h>
#define PF_UNROLL(...)
#elif defined(__CUDACC__)
#include <cuda_runtime.h>
#define PF_PRAGMA(text) _Pragma(#text)
#define PF_UNROLL(...) PF_PRAGMA(unroll __VA_ARGS__)
#define PF_SHARED(T, name, ...) __shared__ T name __VA_ARGS__
#define PF_DYNAMIC_SHARED(T, name)                                 \
  extern __shared__ __align__(16) unsigned char pf_shared_bytes[]; \
  T* const name = reinterpret_cast<T*>(pf_shared_bytes)
#else
#error "tensor/cuda/device_code.h is for nvcc, or for any compiler with PF_CUDA_EMULATED"
#endif

#define PF_LAUNCH(...) ::pf::cuda::launch(__VA_ARGS__)
#define PF_LAUNCH_INDEPENDENT(...) ::pf::cuda::launch_independent(__VA_ARGS__)

namespace pf::cuda {

/// Kernel parameters are copied to the device, so they are plain values.
template <class... P>
inline constexpr bool plain_parameters = (... && (std::is_trivially_copyable_v<P> && !std::is_reference_v<P>));

template <class... P, class... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                   A&&... arguments) {
  static_assert(plain_parameters<P...>, "kernel parameters are trivially copyable values");
#ifdef PF_CUDA_EMULATED
  return emulator::launch_kernel(false, kernel, grid, block, shared_bytes, stream, std::forward<A>(arguments)...);
#else
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, std::forward<A>(arguments)...);
#endif
}

/// For a kernel without barriers, shuffles and shared memory; under emulation any of them in it is an error.
template <class... P, class... A>
cudaError_t launch_independent(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                               A&&... arguments) {
#ifdef PF_CUDA_EMULATED
  static_assert(plain_parameters<P...>, "kernel parameters are trivially copyable values");
  return emulator::launch_kernel(true, kernel, grid, block, shared_bytes, stream, std::forward<A>(arguments)...);
#else
  return launch(kernel, grid, block, shared_bytes, stream, std::forward<A>(arguments)...);
#endif
}

/// 16 bytes of elements: what a thread moves best in one instruction.
template <class T> struct alignas(16) Pack {
  static_assert(16 % sizeof(T) == 0);
  static constexpr int size = int(16 / sizeof(T));
  T element[size];
};

/// Whether a pack can be read or written there.
__host__ __device__ inline bool pack_aligned(const void* address) {
  return reinterpret_cast<uintptr_t>(address) % 16 == 0;
}

#ifdef PF_CUDA_EMULATED
template <class T> PF_EMULATOR_UNCHECKED Pack<T> load_pack(const T* from) {
  emulator::note_access(from, 16, false, false, PF_EMULATOR_CALLER);
  Pack<T> pack;
  std::memcpy(&pack, from, 16);
  return pack;
}
template <class T> PF_EMULATOR_UNCHECKED void store_pack(T* to, const Pack<T>& pack) {
  emulator::note_access(to, 16, true, false, PF_EMULATOR_CALLER);
  std::memcpy(to, &pack, 16);
}
#else
/// From 16-byte aligned memory, in one instruction.
template <class T> __device__ __forceinline__ Pack<T> load_pack(const T* from) {
  const uint4 bytes = *reinterpret_cast<const uint4*>(from);
  Pack<T> pack;
  memcpy(&pack, &bytes, 16);
  return pack;
}
/// To 16-byte aligned memory, in one instruction.
template <class T> __device__ __forceinline__ void store_pack(T* to, const Pack<T>& pack) {
  uint4 bytes;
  memcpy(&bytes, &pack, 16);
  *reinterpret_cast<uint4*>(to) = bytes;
}
#endif

/// The high half of a 32-bit product: a division by a constant is one of these and a shift.
__host__ __device__ constexpr uint32_t high_product(uint32_t a, uint32_t b) {
  return uint32_t((uint64_t(a) * b) >> 32);
}

}  // namespace pf::cuda
