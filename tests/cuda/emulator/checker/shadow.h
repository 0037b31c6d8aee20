#pragma once
// What the race checker remembers of memory: for each word of 4 bytes the last accesses that later ones can conflict
// with, as ThreadSanitizer does.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace pf::emulator::checker {

/// An access to some bytes of a word, and when it was.
struct Access {
  uint32_t block = 0;  // number in the grid + 1; 0: none
  uint32_t epoch = 0;  // barriers that the block had passed
  uint32_t clock = 0;  // of the lane: __syncwarps that it had passed, + 1
  uint32_t site = 0;
  uint16_t thread = 0;
  uint16_t fences = 0;  // that the thread had passed
  uint8_t bytes = 0;    // mask of the word's 4 bytes
  bool write = false, atomic = false;
};

struct Word {
  static constexpr int kept = 4;
  Access last[kept];
};

struct ShadowPage {
  static constexpr size_t bytes = 4096, words = bytes / 4;
  uint64_t generation = 0;
  Word word[words];
  uint8_t touched[words];  // bytes read (low half) and written (high half)
};

/// Pages are forgotten when the generation changes: a launch for global memory, a block for shared memory.
class Shadow {
 public:
  ShadowPage& page(uintptr_t address, uint64_t generation) {
    const uintptr_t number = address / ShadowPage::bytes;
    if (number != last_number_ || !last_page_) {
      auto& page = pages_[number];
      if (!page) page = std::make_unique<ShadowPage>();
      last_number_ = number;
      last_page_ = page.get();
    }
    if (last_page_->generation != generation) {
      *last_page_ = ShadowPage{};
      last_page_->generation = generation;
    }
    return *last_page_;
  }
  /// Gives the memory back.
  void clear() {
    pages_.clear();
    last_page_ = nullptr;
  }
  size_t size() const { return pages_.size(); }

 private:
  std::unordered_map<uintptr_t, std::unique_ptr<ShadowPage>> pages_;
  uintptr_t last_number_ = 0;
  ShadowPage* last_page_ = nullptr;
};

}  // namespace pf::emulator::checker
