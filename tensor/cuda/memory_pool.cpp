#include "tensor/cuda/memory_pool.h"

#include <algorithm>
#include <bit>

namespace pf::cuda {
namespace {

// Four classes an octave: a block is at most 25 % larger than asked for. None is smaller than a transaction of 512 bytes.
size_t class_bytes(size_t bytes) {
  bytes = std::max<size_t>(bytes, 512);
  const size_t step = std::bit_ceil(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

std::string mebibytes(int64_t bytes) {
  return join(double(int64_t(double(bytes) / 1048576.0 * 10 + 0.5)) / 10, " MiB");
}

}  // namespace

void* MemoryPool::allocate(size_t bytes) {
  const size_t size = class_bytes(bytes);
  std::lock_guard lock(mutex_);
  ++statistics_.allocations;
  void* block = nullptr;
  if (auto list = free_.find(size); list != free_.end() && !list->second.empty()) {
    block = list->second.back();
    list->second.pop_back();
    statistics_.cached_bytes -= int64_t(size);
  } else {
    ++statistics_.system_allocations;
    cudaError_t status = cudaMallocAsync(&block, size, stream_);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // not sticky: clears it
      for (auto& [each, blocks] : free_) {
        for (void* b : blocks) cudaFreeAsync(b, stream_);
        blocks.clear();
      }
      statistics_.cached_bytes = 0;
      cudaStreamSynchronize(stream_);
      status = cudaMallocAsync(&block, size, stream_);
    }
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      size_t left = 0, total = 0;
      cudaMemGetInfo(&left, &total);
      fail("out of device memory: ", mebibytes(int64_t(bytes)), " asked for, ", mebibytes(statistics_.live_bytes),
           " held by this program, ", mebibytes(int64_t(left)), " of ", mebibytes(int64_t(total)), " free", holders(),
           "; use smaller batches, or a smaller model");
    }
    check_call(status, "allocating device memory");
  }
  ++live_[size];
  statistics_.live_bytes += int64_t(size);
  statistics_.peak_bytes = std::max(statistics_.peak_bytes, statistics_.live_bytes);
  return block;
}

void MemoryPool::release(void* block, size_t bytes) noexcept {
  const size_t size = class_bytes(bytes);
  std::lock_guard lock(mutex_);
  free_[size].push_back(block);
  --live_[size];
  statistics_.live_bytes -= int64_t(size);
  statistics_.cached_bytes += int64_t(size);
}

void MemoryPool::trim() noexcept {
  std::lock_guard lock(mutex_);
  for (auto& [size, blocks] : free_) {
    for (void* block : blocks) cudaFreeAsync(block, stream_);
    blocks.clear();
  }
  statistics_.cached_bytes = 0;
}

MemoryStatistics MemoryPool::statistics() {
  std::lock_guard lock(mutex_);
  return statistics_;
}

std::string MemoryPool::holders() const {
  std::vector<std::pair<size_t, int64_t>> largest;
  for (const auto& [size, count] : live_)
    if (count > 0) largest.emplace_back(size, count);
  std::sort(largest.begin(), largest.end(),
            [](auto& a, auto& b) { return a.first * size_t(a.second) > b.first * size_t(b.second); });
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(3, largest.size()); ++i)
    out += join(i ? ", " : "; the largest: ", largest[i].second, " of ", mebibytes(int64_t(largest[i].first)));
  return out;
}

}  // namespace pf::cuda
