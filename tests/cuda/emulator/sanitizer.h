#pragma once
// AddressSanitizer's interface where it is compiled in, nothing elsewhere: memory that must not be touched is marked, and
// it is told when the stack changes.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace pf::emulator {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool with_address_sanitizer = true;
inline void forbid(const void* start, size_t bytes) { __asan_poison_memory_region(start, bytes); }
inline void permit(const void* start, size_t bytes) { __asan_unpoison_memory_region(start, bytes); }
inline void leave_stack(void** keep_fake_stack, const void* to_bottom, size_t to_bytes) {
  __sanitizer_start_switch_fiber(keep_fake_stack, to_bottom, to_bytes);
}
inline void enter_stack(void* fake_stack, const void** from_bottom, size_t* from_bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, from_bottom, from_bytes);
}
#else
inline constexpr bool with_address_sanitizer = false;
inline void forbid(const void*, size_t) {}
inline void permit(const void*, size_t) {}
inline void leave_stack(void**, const void*, size_t) {}
inline void enter_stack(void*, const void**, size_t*) {}
#endif

}  // namespace pf::emulator
