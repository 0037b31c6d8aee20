#include "emulator/checker/requests.h"

#include <algorithm>
#include <array>

namespace pf::emulator::checker {
namespace {

constexpr int lane_bits = 5, execution_bits = 34, site_bits = 20;

struct GlobalCost {
  uint64_t sectors = 0, bytes = 0;
};

/// Of sorted intervals.
GlobalCost global_cost(std::vector<std::pair<uintptr_t, uintptr_t>>& intervals) {
  std::sort(intervals.begin(), intervals.end());
  GlobalCost cost;
  uintptr_t end = 0, next_sector = 0;
  for (const auto& [start, stop] : intervals) {
    if (stop > end) cost.bytes += stop - std::max(start, end);
    end = std::max(end, stop);
    const uintptr_t first = std::max(start / 32, next_sector), last = (stop - 1) / 32;
    if (last + 1 > first) cost.sectors += last + 1 - first;
    next_sector = std::max(next_sector, last + 1);
  }
  return cost;
}

}  // namespace

void Requests::begin_block(const void* kernel, uint32_t threads) {
  kernel_ = kernel;
  threads_ = threads;
}

void Requests::add(uint32_t thread, uint32_t site, uintptr_t address, uint32_t bytes, bool shared, bool write) {
  if (executions_.size() <= site) executions_.resize(size_t(site) + 1);
  auto& executions = executions_[site];
  if (executions.empty()) {
    executions.assign(threads_, 0);
    sites_of_block_.push_back(site);
  }
  const uint64_t execution = executions[thread]++;
  const uint64_t key =
      (((uint64_t(thread / 32) << site_bits | site) << execution_bits | execution) << lane_bits) | thread % 32;
  accesses_.push_back({key, address, bytes, shared, write});
}

void Requests::end_block() {
  std::sort(accesses_.begin(), accesses_.end(), [](const LaneAccess& a, const LaneAccess& b) { return a.key < b.key; });
  const LaneAccess* const end = accesses_.data() + accesses_.size();
  for (const LaneAccess* first = accesses_.data(); first != end;) {
    const LaneAccess* last = first;
    while (last != end && last->key >> lane_bits == first->key >> lane_bits) ++last;
    count_request(first, last);
    first = last;
  }
  accesses_.clear();
  for (uint32_t site : sites_of_block_) executions_[site].clear();
  sites_of_block_.clear();
}

void Requests::count_request(const LaneAccess* first, const LaneAccess* last) {
  const auto site = uint32_t(first->key >> (lane_bits + execution_bits)) & ((1u << site_bits) - 1);
  LineStatistics& line = lines[{kernel_, site}];
  line.shared = first->shared;
  line.write = first->write;
  ++line.requests;
  if (!first->shared) {
    static std::vector<std::pair<uintptr_t, uintptr_t>> intervals;
    intervals.clear();
    for (const LaneAccess* a = first; a != last; ++a) intervals.emplace_back(a->address, a->address + a->bytes);
    const GlobalCost cost = global_cost(intervals);
    line.units += cost.sectors;
    line.ideal += (cost.bytes + 31) / 32;
    KernelStatistics& kernel = kernels[kernel_];
    (first->write ? kernel.sectors_written : kernel.sectors_read) += cost.sectors;
    return;
  }
  // Accesses of 8 and 16 bytes are served for half and quarter warps.
  const uint32_t lanes_at_once = first->bytes >= 16 ? 8 : first->bytes >= 8 ? 16 : 32;
  while (first != last) {
    const auto group = uint32_t(first->key & 31) / lanes_at_once;
    std::vector<uintptr_t> words;
    for (; first != last && uint32_t(first->key & 31) / lanes_at_once == group; ++first) {
      for (uintptr_t w = first->address / 4; w <= (first->address + first->bytes - 1) / 4; ++w) words.push_back(w);
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    std::array<uint32_t, 32> in_bank{};
    for (uintptr_t w : words) ++in_bank[w % 32];
    line.units += *std::max_element(in_bank.begin(), in_bank.end());
    line.ideal += (words.size() + 31) / 32;
  }
}

}  // namespace pf::emulator::checker
