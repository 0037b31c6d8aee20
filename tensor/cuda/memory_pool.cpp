#include "tensor/cuda/memory_pool.h"

#include <algorithm>
#include <bit>

#include "tensor/device_errors.h"

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

namespace {
void* take(std::map<size_t, std::vector<void*>>& free, size_t size) {
  const auto list = free.find(size);
  if (list == free.end() || list->second.empty()) return nullptr;
  void* block = list->second.back();
  list->second.pop_back();
  return block;
}
}  // namespace

void* MemoryPool::allocate(size_t bytes) {
  const size_t size = class_bytes(bytes);
  std::lock_guard lock(mutex_);
  ++statistics_.allocations;
  if (captured_)
    if (void* block = take(captured_->free, size)) return block;
  void* block = take(free_, size);
  if (block) statistics_.cached_bytes -= int64_t(size);
  else block = from_driver(size, bytes);
  if (captured_) captured_->blocks.emplace(block, size);
  ++live_[size];
  statistics_.live_bytes += int64_t(size);
  statistics_.peak_bytes = std::max(statistics_.peak_bytes, statistics_.live_bytes);
  return block;
}

void* MemoryPool::from_driver(size_t size, size_t asked) {
  ++statistics_.system_allocations;
  void* block = nullptr;
  const cudaStream_t stream = captured_ ? beside_ : stream_;
  cudaError_t status = cudaMallocAsync(&block, size, stream);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // not sticky: clears it
    // While work is captured its stream takes no such calls. What was queued before may still use the cached blocks.
    if (!captured_ || cudaStreamWaitEvent(beside_, before_graph_, 0) == cudaSuccess) give_back(stream);
    cudaStreamSynchronize(stream);
    status = cudaMallocAsync(&block, size, stream);
  }
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    size_t left = 0, total = 0;
    cudaMemGetInfo(&left, &total);
    throw OutOfDeviceMemory(join("out of device memory: ", mebibytes(int64_t(asked)), " asked for, ",
                                 mebibytes(statistics_.live_bytes), " held by this program, ", mebibytes(int64_t(left)),
                                 " of ", mebibytes(int64_t(total)), " free", holders(),
                                 "; use smaller batches, or a smaller model"));
  }
  check_call(status, "allocating device memory");
  if (captured_) {
    status = cudaStreamSynchronize(beside_);
    if (status != cudaSuccess) cudaFreeAsync(block, beside_);
    check_call(status, "allocating device memory");
  }
  return block;
}

void MemoryPool::release(void* block, size_t bytes) noexcept {
  const size_t size = class_bytes(bytes);
  std::lock_guard lock(mutex_);
  for (GraphMemory* graph : graphs_)
    if (graph->blocks.contains(block)) return graph->free[size].push_back(block);
  free_[size].push_back(block);
  --live_[size];
  statistics_.live_bytes -= int64_t(size);
  statistics_.cached_bytes += int64_t(size);
}

void MemoryPool::begin_graph(GraphMemory& memory) {
  std::lock_guard lock(mutex_);
  if (!beside_) check_call(cudaStreamCreateWithFlags(&beside_, cudaStreamNonBlocking), "making a stream");
  if (!before_graph_) check_call(cudaEventCreateWithFlags(&before_graph_, cudaEventDisableTiming), "making an event");
  check_call(cudaEventRecord(before_graph_, stream_), "noting what is queued");
  graphs_.insert(&memory);
  captured_ = &memory;
}

void MemoryPool::end_graph() {
  std::lock_guard lock(mutex_);
  captured_ = nullptr;
}

void MemoryPool::release_graph(GraphMemory& memory) noexcept {
  std::lock_guard lock(mutex_);
  graphs_.erase(&memory);
  for (auto& [size, blocks] : memory.free)
    for (void* block : blocks) {
      free_[size].push_back(block);
      --live_[size];
      statistics_.live_bytes -= int64_t(size);
      statistics_.cached_bytes += int64_t(size);
    }
}

MemoryPool::~MemoryPool() {
  if (before_graph_) cudaEventDestroy(before_graph_);
  if (beside_) cudaStreamDestroy(beside_);
}

void MemoryPool::trim() noexcept {
  std::lock_guard lock(mutex_);
  give_back(stream_);
}

void MemoryPool::give_back(cudaStream_t stream) noexcept {
  // What the driver does not take stays here.
  for (auto& [size, blocks] : free_)
    statistics_.cached_bytes -=
        int64_t(size * std::erase_if(blocks, [&](void* block) { return cudaFreeAsync(block, stream) == cudaSuccess; }));
  cudaGetLastError();
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
