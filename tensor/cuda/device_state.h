#pragma once
// What the library keeps for one device: its compute stream, memory, staging memory for copies, cuBLAS, and the status that
// kernels complain to.

#include <cublas_v2.h>

#include <memory>

#include "tensor/cuda/memory_pool.h"
#include "tensor/cuda/status.h"

namespace pf::cuda {

class DeviceState;

/// Throws, naming what was tried, unless the call succeeded.
void check_cublas(cublasStatus_t status, const char* what);

struct Graph {
  explicit Graph(DeviceState& state) : state(state) {}
  ~Graph();
  Graph(const Graph&) = delete;
  DeviceState& state;
  cudaGraphExec_t executable = nullptr;
  GraphMemory memory;
  std::vector<void*> uploaded;  // pinned: the constants that it copies to the device
};

class DeviceState {
 public:
  explicit DeviceState(int device);
  ~DeviceState();
  DeviceState(const DeviceState&) = delete;

  cudaStream_t stream() const { return stream_; }
  MemoryPool& memory() { return *memory_; }
  Status* status() const { return status_; }
  /// Made at the first matrix product: it takes memory and time.
  cublasHandle_t cublas();

  /// Through pinned memory, so that the caller's is free again at once and the copy runs beside what the host does next.
  void upload(void* to, const void* from, size_t bytes);
  /// Waits for all that was queued before.
  void download(void* to, const void* from, size_t bytes);
  /// Waits, then throws what a kernel has complained of.
  void synchronize();

  void begin_capture();
  Graph* end_capture();
  void abandon_capture() noexcept;

 private:
  static constexpr size_t slot_bytes = size_t(1) << 20;
  static constexpr int slots = 4;
  void throw_complaint();

  int device_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<MemoryPool> memory_;
  Status* status_ = nullptr;      // on the device
  Status* seen_ = nullptr;        // pinned
  std::byte* staging_ = nullptr;  // pinned: `slots` for uploads, one more for downloads
  cudaEvent_t free_again_[slots]{};
  int next_slot_ = 0;
  std::unique_ptr<Graph> captured_;  // while work is kept instead of done
  cublasHandle_t cublas_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace pf::cuda
