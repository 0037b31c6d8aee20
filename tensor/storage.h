#pragma once
// Storage: one block of memory shared by the tensors that look at it. The reference count is intrusive, and header and
// elements are one block, so that a small tensor costs one allocation.

#include <atomic>
#include <cstddef>
#include <utility>

#include "tensor/allocator.h"
#include "tensor/device.h"

namespace pf {

class Storage {
 public:
  Storage() = default;
  /// Fresh, uninitialised memory.
  static Storage allocate(size_t bytes, Device device = Device::cpu());

  Storage(const Storage& other) noexcept : block_(other.block_) { retain(); }
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Storage& operator=(Storage other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Storage() { drop(); }

  std::byte* data() const { return reinterpret_cast<std::byte*>(block_) + header_bytes; }
  size_t bytes() const { return block_ ? block_->bytes : 0; }
  Device device() const { return block_ ? block_->device : Device::cpu(); }
  explicit operator bool() const { return block_ != nullptr; }
  /// Nobody else looks at this memory: it may be written to.
  bool unique() const { return block_ && block_->references.load(std::memory_order_acquire) == 1; }
  bool operator==(const Storage& other) const { return block_ == other.block_; }

 private:
  struct Block {
    std::atomic<int64_t> references{1};
    size_t bytes;
    Device device;
  };
  static constexpr size_t header_bytes = 64;  // keeps the elements aligned to 64
  static_assert(sizeof(Block) <= header_bytes);

  void retain() noexcept {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void drop() noexcept {
    if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      release(block_, header_bytes + block_->bytes);
  }

  Block* block_ = nullptr;
};

inline Storage Storage::allocate(size_t bytes, Device device) {
  Storage out;
  out.block_ = new (pf::allocate(header_bytes + bytes)) Block{1, bytes, device};
  return out;
}

}  // namespace pf
