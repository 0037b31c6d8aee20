#include "emulator/checker/order.h"

#include <algorithm>

namespace pf::emulator::checker {

void Order::begin_launch() { published_.clear(); }

void Order::begin_block(uint32_t threads) {
  size_ = threads;
  lanes_used_ = false;
  fences_.assign(threads, 0);
  fence_epoch_.assign(threads, 0);
  acquired_.clear();
}

void Order::warp_synchronised(uint32_t first_thread, uint32_t lanes) {
  if (!lanes_used_) {
    lanes_used_ = true;
    clock_.assign(size_, 1);
    seen_.assign(size_t(size_) * 32, 0);
  }
  uint32_t joined[32] = {};
  const uint32_t size = std::min(32u, size_ - first_thread);
  for (uint32_t lane = 0; lane < size; ++lane) {
    if (!(lanes >> lane & 1)) continue;
    const uint32_t* seen = &seen_[size_t(first_thread + lane) * 32];
    for (uint32_t k = 0; k < 32; ++k) joined[k] = std::max(joined[k], seen[k]);
    joined[lane] = std::max(joined[lane], clock_[first_thread + lane]);
  }
  for (uint32_t lane = 0; lane < size; ++lane) {
    if (!(lanes >> lane & 1)) continue;
    std::copy(joined, joined + 32, &seen_[size_t(first_thread + lane) * 32]);
    ++clock_[first_thread + lane];
  }
}

void Order::fenced(uint32_t thread, uint32_t epoch) {
  ++fences_[thread];
  fence_epoch_[thread] = epoch;
}

void Order::atomic_operation(uintptr_t address, uint32_t block, uint32_t thread) {
  PublishedBlocks& here = published_[address];
  for (const auto& [from, publications] : here) {
    if (from == block) continue;
    auto& known = acquired_[from];
    known.insert(known.end(), publications.begin(), publications.end());
  }
  if (fences_[thread] == 0) return;
  here[block].push_back({thread, fences_[thread], fence_epoch_[thread]});
  for (const auto& [from, publications] : acquired_) {
    auto& passed_on = here[from];
    if (passed_on.empty()) passed_on = publications;
  }
}

bool Order::ordered(const Access& before, const Access& now) const {
  if (before.block == now.block) {
    if (before.thread == now.thread || before.epoch < now.epoch) return true;
    if (before.thread / 32 != now.thread / 32 || !lanes_used_) return false;
    return seen_[size_t(now.thread) * 32 + before.thread % 32] >= before.clock;
  }
  const auto found = acquired_.find(before.block);
  if (found == acquired_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const Published& p) {
    return before.epoch < p.epoch ||
           (before.thread == p.thread &&
            (before.fences < p.fences || (before.atomic && before.fences == p.fences)));  // the publishing one
  });
}

}  // namespace pf::emulator::checker
