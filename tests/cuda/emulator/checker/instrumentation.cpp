// The functions that the compiler calls at every access of code compiled with -fsanitize=thread; libtsan is not linked.
// Atomic operations of the host's own code (reference counts) are just done.

#include <cstdint>

#include "emulator/block.h"
#include "emulator/checker.h"
#include "emulator/source_lines.h"

namespace {

using pf::emulator::checker::access;

uintptr_t code_of(const void* return_address) { return reinterpret_cast<uintptr_t>(return_address); }

void aligned_access(const void* address, unsigned bytes, bool write, uintptr_t code) {
  if (!pf::emulator::in_cuda_thread()) return;
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    pf::emulator::thread_fault(cudaErrorMisalignedAddress, [&] {
      return "misaligned access of " + std::to_string(bytes) + " bytes at " + pf::emulator::source_line(code);
    });
  }
  access(address, bytes, write, false, code);
}

}  // namespace

#define PF_CODE code_of(__builtin_return_address(0))
#define PF_ACCESS(n)                                                                       \
  void __tsan_read##n(void* p) { aligned_access(p, n, false, PF_CODE); }                   \
  void __tsan_write##n(void* p) { aligned_access(p, n, true, PF_CODE); }                   \
  void __tsan_volatile_read##n(void* p) { aligned_access(p, n, false, PF_CODE); }          \
  void __tsan_volatile_write##n(void* p) { aligned_access(p, n, true, PF_CODE); }          \
  void __tsan_unaligned_read##n(void* p) { access(p, n, false, false, PF_CODE); }          \
  void __tsan_unaligned_write##n(void* p) { access(p, n, true, false, PF_CODE); }          \
  void __tsan_unaligned_volatile_read##n(void* p) { access(p, n, false, false, PF_CODE); } \
  void __tsan_unaligned_volatile_write##n(void* p) { access(p, n, true, false, PF_CODE); }

#define PF_UPDATE(bits, T, name) \
  T __tsan_atomic##bits##_##name(volatile T* p, T value, int) { return __atomic_##name(p, value, __ATOMIC_SEQ_CST); }
#define PF_ATOMIC(bits, T)                                                                                        \
  T __tsan_atomic##bits##_load(const volatile T* p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }         \
  void __tsan_atomic##bits##_store(volatile T* p, T value, int) { __atomic_store_n(p, value, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_exchange(volatile T* p, T value, int) {                                                 \
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                               \
  PF_UPDATE(bits, T, fetch_add)                                                                                   \
  PF_UPDATE(bits, T, fetch_sub)                                                                                   \
  PF_UPDATE(bits, T, fetch_and)                                                                                   \
  PF_UPDATE(bits, T, fetch_or)                                                                                    \
  PF_UPDATE(bits, T, fetch_xor)                                                                                   \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* expected, T value, int, int) {             \
    return __atomic_compare_exchange_n(p, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);            \
  }                                                                                                               \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* expected, T value, int, int) {               \
    return __atomic_compare_exchange_n(p, expected, value, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);             \
  }

extern "C" {

PF_ACCESS(1)
PF_ACCESS(2)
PF_ACCESS(4)
PF_ACCESS(8)
PF_ACCESS(16)
void __tsan_read_range(void* p, unsigned long n) { access(p, unsigned(n), false, false, PF_CODE); }
void __tsan_write_range(void* p, unsigned long n) { access(p, unsigned(n), true, false, PF_CODE); }

PF_ATOMIC(8, uint8_t)
PF_ATOMIC(16, uint16_t)
PF_ATOMIC(32, uint32_t)
PF_ATOMIC(64, uint64_t)
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

}  // extern "C"
