#pragma once
// Storage: one block of memory shared by the tensors that look at it. The reference count is intrusive, and on the CPU
// header and elements are one block, so that a small tensor costs one allocation.

#include <atomic>
#include <cstddef>
#include <utility>

#include "tensor/allocator.h"
#include "tensor/device.h"

namespace pf {

namespace detail {
class Arena;
}

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

  /// The first element; on a GPU an address of the device, which only its kernels may follow.
  std::byte* data() const { return block_->elements; }
  size_t bytes() const { return block_ ? block_->bytes : 0; }
  Device device() const { return block_ ? block_->device : Device::cpu(); }
  explicit operator bool() const { return block_ != nullptr; }
  /// Nobody else looks at this memory: it may be written to.
  bool unique() const { return block_ && block_->references.load(std::memory_order_acquire) == 1; }
  bool operator==(const Storage& other) const { return block_ == other.block_; }

  /// The recording whose memory this is (tensor/recording.h), if any.
  const detail::Arena* arena() const { return block_ ? block_->arena : nullptr; }
  /// The same memory without holding on to it: whoever uses it knows that it stays.
  Storage borrowed() const;

 private:
  struct Block {
    std::atomic<int64_t> references{1};
    size_t bytes;
    std::byte* elements;
    Device device;
    detail::Arena* arena = nullptr;
    bool borrowed = false;
  };
  static constexpr size_t header_bytes = 64;  // keeps the elements aligned to 64
  static_assert(sizeof(Block) <= header_bytes);

  void retain() noexcept {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void drop() noexcept {
    if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      if (block_->arena || block_->borrowed) [[unlikely]]
        return drop_recorded();
      const bool here = block_->device.kind == Device::Kind::cpu;
      if (!here) release_from_device(block_->elements, block_->bytes, block_->device);
      release(block_, header_bytes + (here ? block_->bytes : 0));
    }
  }
  // tensor/recording.cpp
  static Storage allocate_recorded(size_t bytes, Device device);
  void drop_recorded() noexcept;
  // tensor/cuda_library.cpp
  static std::byte* allocate_on_device(size_t bytes, Device device);
  static void release_from_device(std::byte* elements, size_t bytes, Device device) noexcept;

  Block* block_ = nullptr;
};

namespace detail {
extern constinit thread_local Arena* kernel_arena;
}

inline Storage Storage::allocate(size_t bytes, Device device) {
  if (detail::kernel_arena) [[unlikely]]
    return allocate_recorded(bytes, device);
  Storage out;
  if (device.kind == Device::Kind::cpu) {
    auto* memory = static_cast<std::byte*>(pf::allocate(header_bytes + bytes));
    out.block_ = new (memory) Block{1, bytes, memory + header_bytes, device};
  } else {
    std::byte* elements = allocate_on_device(bytes, device);
    out.block_ = new (pf::allocate(header_bytes)) Block{1, bytes, elements, device};
  }
  return out;
}

}  // namespace pf
