#pragma once
// Which accesses of CUDA threads are ordered, whatever the order in which they happened to run:
//
//   in one block   by a barrier between them; in one warp also by __syncwarp of both lanes, or a chain of such;
//   in two blocks  by the pattern of publishing: access, __threadfence, atomic operation; atomic operation on the same
//                  address, access. A barrier carries both sides from one thread to its block.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "emulator/checker/shadow.h"

namespace pf::emulator::checker {

class Order {
 public:
  void begin_launch();
  void begin_block(uint32_t threads);
  void warp_synchronised(uint32_t first_thread, uint32_t lanes);
  void fenced(uint32_t thread, uint32_t epoch);
  /// An atomic operation: takes over what was published at the address, and publishes.
  void atomic_operation(uintptr_t address, uint32_t block, uint32_t thread);

  uint32_t clock(uint32_t thread) const { return lanes_used_ ? clock_[thread] : 1; }
  uint16_t fences(uint32_t thread) const { return fences_[thread]; }
  /// Whether `before`, which has happened, comes before `now` in every order.
  bool ordered(const Access& before, const Access& now) const;

 private:
  struct Published {
    uint32_t thread;
    uint16_t fences;  // of that thread: its accesses before the last of them
    uint32_t epoch;   // of that fence: accesses of the whole block before the barrier before it
  };
  using PublishedBlocks = std::unordered_map<uint32_t, std::vector<Published>>;

  bool lanes_used_ = false;  // by a __syncwarp of this block
  uint32_t size_ = 0;
  std::vector<uint32_t> clock_;
  std::vector<uint32_t> seen_;  // [thread][lane]: the clock up to which the lane's accesses come before
  std::vector<uint16_t> fences_;
  std::vector<uint32_t> fence_epoch_;
  PublishedBlocks acquired_;                                  // by this block
  std::unordered_map<uintptr_t, PublishedBlocks> published_;  // by address
};

}  // namespace pf::emulator::checker
