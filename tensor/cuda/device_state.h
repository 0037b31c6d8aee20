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
/// As check_launch, of a matrix product whose result has this shape.
void check_product(cublasStatus_t status, const char* op, const Shape& shape);

/// What was queued last: an error that a kernel leaves behind shows later, and is told with this.
struct Queued {
  const char* op = nullptr;  // null: nothing yet
  Shape shape;
  int64_t in_graph = 0;  // of a graph: how many operations it has, of which this is the last
};

struct Graph {
  explicit Graph(DeviceState& state) : state(state) {}
  ~Graph();
  Graph(const Graph&) = delete;
  DeviceState& state;
  cudaGraphExec_t executable = nullptr;
  GraphMemory memory;
  std::vector<void*> uploaded;  // pinned: the constants that it copies to the device
  Queued last;
};

class DeviceState {
 public:
  explicit DeviceState(int device);
  ~DeviceState() { release_all(); }
  DeviceState(const DeviceState&) = delete;

  /// The one in use on this thread, which launches are noted at.
  static DeviceState*& in_use();

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
  void launch(Graph& graph);

  /// An operation was queued; with PF_CUDA_WAIT=1 waits for it and gives its error.
  cudaError_t note(const char* op, const Shape& shape);
  /// That is, not merely kept by a capture.
  const Queued& last() const { return captured_ ? captured_->last : last_; }

 private:
  static constexpr size_t slot_bytes = size_t(1) << 20;
  static constexpr int slots = 4;
  void throw_complaint();
  void release_all() noexcept;
  void drop_captured() noexcept;

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
  Queued last_;
};

}  // namespace pf::cuda
