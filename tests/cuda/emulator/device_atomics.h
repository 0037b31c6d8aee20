#pragma once
// Atomic operations of the device language: relaxed, device scope. One CUDA thread runs at a time and nothing switches
// threads within these functions, so plain reads and writes are atomic.

#include <concepts>
#include <type_traits>

#include "emulator/device_thread.h"

namespace pf::emulator {

template <class T>
concept AtomicInteger = std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, unsigned long long>;
template <class T>
concept AtomicNumber = AtomicInteger<T> || std::same_as<T, float> || std::same_as<T, double>;

template <class T, class Update> PF_EMULATOR_UNCHECKED T update_atomically(T* address, Update update) {
  note_access(address, sizeof(T), true, true, PF_EMULATOR_CALLER);
  const T old = *address;
  *address = update(old);
  return old;
}
/// Sums wrap around, as the device's do.
template <class T> PF_EMULATOR_UNCHECKED T wrapping_sum(T a, T b) {
  if constexpr (std::is_integral_v<T>) return T(std::make_unsigned_t<T>(a) + std::make_unsigned_t<T>(b));
  else return a + b;
}

}  // namespace pf::emulator

template <pf::emulator::AtomicNumber T> PF_EMULATOR_INLINE T atomicAdd(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T old) { return pf::emulator::wrapping_sum(old, value); });
}
template <pf::emulator::AtomicInteger T> PF_EMULATOR_INLINE T atomicSub(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(
      address, [=](T old) { return pf::emulator::wrapping_sum(old, T(0u - std::make_unsigned_t<T>(value))); });
}
template <pf::emulator::AtomicInteger T> PF_EMULATOR_INLINE T atomicMin(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T old) { return value < old ? value : old; });
}
template <pf::emulator::AtomicInteger T> PF_EMULATOR_INLINE T atomicMax(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T old) { return old < value ? value : old; });
}
template <pf::emulator::AtomicInteger T> PF_EMULATOR_INLINE T atomicAnd(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T old) { return old & value; });
}
template <pf::emulator::AtomicInteger T> PF_EMULATOR_INLINE T atomicOr(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T old) { return old | value; });
}
template <pf::emulator::AtomicInteger T> PF_EMULATOR_INLINE T atomicXor(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T old) { return old ^ value; });
}
template <class T>
requires(pf::emulator::AtomicInteger<T> || std::same_as<T, float>) T
    atomicExch(T* address, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T) { return value; });
}
template <pf::emulator::AtomicInteger T>
PF_EMULATOR_INLINE T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return pf::emulator::update_atomically(address, [=](T old) { return old == expected ? value : old; });
}
PF_EMULATOR_INLINE unsigned atomicInc(unsigned* address, unsigned limit) {
  return pf::emulator::update_atomically(address, [=](unsigned old) { return old >= limit ? 0u : old + 1; });
}
PF_EMULATOR_INLINE unsigned atomicDec(unsigned* address, unsigned limit) {
  return pf::emulator::update_atomically(address,
                                         [=](unsigned old) { return old == 0 || old > limit ? limit : old - 1; });
}
