#pragma once
// Barriers, fences, shuffles and votes of the device language. __activemask is absent on purpose: its value is too little
// defined for correct code to rest on.

#include <bit>
#include <cstring>
#include <type_traits>

#include "emulator/device_thread.h"

namespace pf::emulator {

template <class T> uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T> T from_bits(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T> T shuffle(unsigned mask, T value, int source, Place place) {
  return from_bits<T>(warp_collective(WarpOperation::shuffle, mask, to_bits(value), source, place));
}
inline int segment_start(int width) { return lane_index() & ~(width - 1); }

}  // namespace pf::emulator

inline void __syncthreads(pf::emulator::Place place = pf::emulator::Place::here()) {
  pf::emulator::block_barrier(pf::emulator::BarrierKind::plain, false, place);
}
inline int __syncthreads_count(int predicate, pf::emulator::Place place = pf::emulator::Place::here()) {
  return pf::emulator::block_barrier(pf::emulator::BarrierKind::count, predicate != 0, place);
}
inline int __syncthreads_and(int predicate, pf::emulator::Place place = pf::emulator::Place::here()) {
  return pf::emulator::block_barrier(pf::emulator::BarrierKind::all, predicate != 0, place);
}
inline int __syncthreads_or(int predicate, pf::emulator::Place place = pf::emulator::Place::here()) {
  return pf::emulator::block_barrier(pf::emulator::BarrierKind::any, predicate != 0, place);
}
inline void __syncwarp(unsigned mask = 0xffffffffu, pf::emulator::Place place = pf::emulator::Place::here()) {
  pf::emulator::warp_collective(pf::emulator::WarpOperation::sync, mask, 0, 0, place);
}

inline void __threadfence() { pf::emulator::thread_fence(); }
inline void __threadfence_system() { pf::emulator::thread_fence(); }
inline void __threadfence_block() {}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              pf::emulator::Place place = pf::emulator::Place::here()) {
  return pf::emulator::shuffle(mask, value, pf::emulator::segment_start(width) | (source & (width - 1)), place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 pf::emulator::Place place = pf::emulator::Place::here()) {
  const int lane = pf::emulator::lane_index(), source = lane - int(delta);
  return pf::emulator::shuffle(mask, value, source >= pf::emulator::segment_start(width) ? source : lane, place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   pf::emulator::Place place = pf::emulator::Place::here()) {
  const int lane = pf::emulator::lane_index(), source = lane + int(delta);
  const bool inside = source < pf::emulator::segment_start(width) + width;
  return pf::emulator::shuffle(mask, value, inside ? source : lane, place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  pf::emulator::Place place = pf::emulator::Place::here()) {
  const int lane = pf::emulator::lane_index(), source = lane ^ lanes;
  const bool inside = source < pf::emulator::segment_start(width) + width;
  return pf::emulator::shuffle(mask, value, inside ? source : lane, place);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(pf::emulator::warp_collective(pf::emulator::WarpOperation::ballot, mask, predicate != 0, 0, place));
}
inline int __any_sync(unsigned mask, int predicate, pf::emulator::Place place = pf::emulator::Place::here()) {
  return __ballot_sync(mask, predicate, place) != 0;
}
inline int __all_sync(unsigned mask, int predicate, pf::emulator::Place place = pf::emulator::Place::here()) {
  return __ballot_sync(mask, !predicate, place) == 0;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(
      pf::emulator::warp_collective(pf::emulator::WarpOperation::match, mask, pf::emulator::to_bits(value), 0, place));
}
// sm_80 and later.
inline unsigned __reduce_add_sync(unsigned mask, unsigned value,
                                  pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(pf::emulator::warp_collective(pf::emulator::WarpOperation::sum, mask, value, 0, place));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value,
                                  pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(pf::emulator::warp_collective(pf::emulator::WarpOperation::smallest, mask, value, 0, place));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value,
                                  pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(pf::emulator::warp_collective(pf::emulator::WarpOperation::largest, mask, value, 0, place));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value,
                                  pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(pf::emulator::warp_collective(pf::emulator::WarpOperation::bit_and, mask, value, 0, place));
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value,
                                 pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(pf::emulator::warp_collective(pf::emulator::WarpOperation::bit_or, mask, value, 0, place));
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value,
                                  pf::emulator::Place place = pf::emulator::Place::here()) {
  return unsigned(pf::emulator::warp_collective(pf::emulator::WarpOperation::bit_xor, mask, value, 0, place));
}
