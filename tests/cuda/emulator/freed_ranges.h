#pragma once
// Which device addresses have been freed, as merged ranges, and which whole pages of them are ready to go back to the
// system: not at once but after some more frees, so that what was freed last can still be read as NaN.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

namespace pf::emulator {

class FreedRanges {
 public:
  struct Range {
    char* begin = nullptr;
    char* end = nullptr;
  };

  /// Whole pages that can go now; empty if none.
  Range add(char* begin, char* end) {
    insert(all_, begin, end);
    waiting_.push_back({begin, end});
    waiting_bytes_ += size_t(end - begin);
    if (waiting_bytes_ <= kept_bytes) return {};
    const Range oldest = waiting_.front();
    waiting_.pop_front();
    waiting_bytes_ -= size_t(oldest.end - oldest.begin);
    return pages_around(oldest, insert(returned_, oldest.begin, oldest.end));
  }

  bool contains(const char* address) const {
    auto after = all_.upper_bound(const_cast<char*>(address));
    return after != all_.begin() && address < std::prev(after)->second;
  }

 private:
  static constexpr size_t page = size_t(2) << 20, kept_bytes = size_t(16) << 20;  // huge pages, see device_memory.cpp
  using Ranges = std::map<char*, char*>;                                          // begin to end
  Ranges all_, returned_;
  std::deque<Range> waiting_;
  size_t waiting_bytes_ = 0;

  /// The merged range that now holds [begin, end).
  static Range insert(Ranges& ranges, char* begin, char* end) {
    auto next = ranges.lower_bound(begin);
    if (next != ranges.begin() && std::prev(next)->second >= begin) --next;
    while (next != ranges.end() && next->first <= end) {
      if (next->first < begin) begin = next->first;
      if (next->second > end) end = next->second;
      next = ranges.erase(next);
    }
    ranges.emplace(begin, end);
    return {begin, end};
  }

  /// Pages wholly inside `merged` that `fresh` touches.
  static Range pages_around(Range fresh, Range merged) {
    const auto down = [](char* p) { return p - reinterpret_cast<uintptr_t>(p) % page; };
    const auto up = [&](char* p) { return down(p + page - 1); };
    char* begin = down(fresh.begin) >= merged.begin ? down(fresh.begin) : up(merged.begin);
    char* end = up(fresh.end) <= merged.end ? up(fresh.end) : down(merged.end);
    return {begin, end};
  }
};

}  // namespace pf::emulator
