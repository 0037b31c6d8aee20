#include "tensor/allocator.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <string>
#include <vector>

#include "tensor/error.h"

namespace pf {
namespace {

// Four classes an octave: a block is at most 25 % larger than asked for.
constexpr int class_count = 4 * 48;
constexpr size_t smallest = 64;

int class_of(size_t bytes) {
  bytes = std::max(bytes, smallest);
  const int octave =
      std::bit_width(bytes - 1) - 1;  // 2^octave < bytes <= 2^(octave+1), or bytes = 2^octave exactly + 1
  const size_t step = (size_t(1) << octave) / 4;
  const int part = int((bytes - (size_t(1) << octave) + step - 1) / step);
  return (octave - 5) * 4 + part;
}

size_t class_bytes(int index) {
  const int octave = index / 4 + 5;
  const size_t base = size_t(1) << octave;
  return base + base / 4 * size_t(index % 4);
}

struct FreeBlock {
  FreeBlock* next;
};

// Blocks of at least this size are counted by class, so that an out-of-memory message can name the largest.
constexpr size_t large = size_t(1) << 20;

class Pool {
 public:
  void* allocate(size_t bytes) {
    const int index = class_of(bytes);
    const size_t size = class_bytes(index);
    {
      Lock lock(*this);
      ++statistics_.allocations;
      if (FreeBlock* block = free_[index]) {
        free_[index] = block->next;
        statistics_.cached_bytes -= int64_t(size);
        hand_out(index, size);
        return block;
      }
    }
    return from_system(index, size, bytes);
  }

  void release(void* block, size_t bytes) noexcept {
    const int index = class_of(bytes);
    const size_t size = class_bytes(index);
    Lock lock(*this);
    auto* free = static_cast<FreeBlock*>(block);
    free->next = free_[index];
    free_[index] = free;
    statistics_.live_bytes -= int64_t(size);
    statistics_.cached_bytes += int64_t(size);
    if (size >= large) --held_[index];
  }

  void trim() {
    Lock lock(*this);
    for (FreeBlock*& head : free_)
      while (FreeBlock* block = head) {
        head = block->next;
        std::free(block);
      }
    statistics_.cached_bytes = 0;
  }

  AllocatorStatistics statistics() {
    Lock lock(*this);
    return statistics_;
  }

  void set_limit(int64_t bytes) {
    Lock lock(*this);
    limit_ = bytes;
  }

 private:
  // Held for a few instructions only, so spinning is cheaper than a mutex.
  struct Lock {
    explicit Lock(Pool& pool) : pool(pool) {
      while (pool.busy_.test_and_set(std::memory_order_acquire)) {}
    }
    ~Lock() { pool.busy_.clear(std::memory_order_release); }
    Pool& pool;
  };

  void hand_out(int index, size_t size) {
    statistics_.live_bytes += int64_t(size);
    statistics_.peak_bytes = std::max(statistics_.peak_bytes, statistics_.live_bytes);
    if (size >= large) ++held_[index];
  }

  void* from_system(int index, size_t size, size_t asked) {
    bool fits;
    {
      Lock lock(*this);
      if (limit_ == 0) limit_ = int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
      fits = statistics_.live_bytes + int64_t(size) <= limit_;
      if (fits && statistics_.live_bytes + statistics_.cached_bytes + int64_t(size) > limit_) fits = false;
    }
    if (!fits) {
      trim();
      Lock lock(*this);
      fits = statistics_.live_bytes + int64_t(size) <= limit_;
    }
    void* block = fits ? std::aligned_alloc(64, (size + 63) / 64 * 64) : nullptr;
    if (!block && fits) {
      trim();
      block = std::aligned_alloc(64, (size + 63) / 64 * 64);
    }
    if (!block) out_of_memory(asked);
    Lock lock(*this);
    ++statistics_.system_allocations;
    hand_out(index, size);
    return block;
  }

  [[noreturn]] void out_of_memory(size_t asked) {
    auto megabytes = [](double bytes) { return join(bytes / 1048576.0, " MiB"); };
    std::string message = join("out of memory: asked for ", megabytes(double(asked)), " while ",
                               megabytes(double(statistics_.live_bytes)), " of ", megabytes(double(limit_)), " live");
    int listed = 0;
    for (int i = class_count - 1; i >= 0 && listed < 3; --i) {
      if (held_[i] == 0) continue;
      message += join(listed ? ", " : "; largest blocks: ", held_[i], " of about ", megabytes(double(class_bytes(i))));
      ++listed;
    }
    throw Error(message + "; use a smaller batch or fewer samples at a time");
  }

  std::atomic_flag busy_;
  std::array<FreeBlock*, class_count> free_{};
  std::array<int64_t, class_count> held_{};
  AllocatorStatistics statistics_;
  int64_t limit_ = 0;
};

// Never destroyed: tensors in static objects may be released after any destructor of ours would have run.
Pool& pool() {
  alignas(Pool) static unsigned char memory[sizeof(Pool)];
  static Pool* instance = new (memory) Pool;
  return *instance;
}

}  // namespace

void* allocate(size_t bytes) {
  check(bytes < (size_t(1) << 46), "out of memory: asked for ", double(bytes) / 1099511627776.0,
        " TiB; check the shape");
  return pool().allocate(bytes);
}
void release(void* block, size_t bytes) noexcept { pool().release(block, bytes); }
AllocatorStatistics allocator_statistics() { return pool().statistics(); }
void trim_allocator() { pool().trim(); }
void set_memory_limit(int64_t bytes) { pool().set_limit(bytes); }

}  // namespace pf
