#include "tensor/cuda/device_state.h"

#include "tensor/recording.h"

#include <algorithm>
#include <cstring>

#include "tensor/cuda/backend_kernels.h"

namespace pf::cuda {

void check_call(cudaError_t status, const char* what) {
  if (status == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();
  fail("cuda: ", what, ": ", cudaGetErrorString(status), " (", cudaGetErrorName(status), ")");
}

void check_launch(cudaError_t status, const char* op, const Shape& shape) {
  if (status == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();
  fail(op, ": the kernel for ", shape, " failed on the GPU: ", cudaGetErrorString(status), " (",
       cudaGetErrorName(status), ")");
}

void check_cublas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) [[likely]]
    return;
  fail(what, ": cuBLAS failed: ", cublasGetStatusString(status));
}

DeviceState::DeviceState(int device) : device_(device) {
  check_call(cudaSetDevice(device), "choosing the device");
  check_call(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  memory_ = std::make_unique<MemoryPool>(stream_);
  // The driver keeps what is freed instead of giving it back at every synchronisation.
  cudaMemPool_t pool = nullptr;
  check_call(cudaDeviceGetDefaultMemPool(&pool, device), "reaching the memory pool");
  uint64_t keep = UINT64_MAX;
  check_call(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "setting up the memory pool");
  check_call(cudaMallocHost(reinterpret_cast<void**>(&staging_), (slots + 1) * slot_bytes), "allocating pinned memory");
  check_call(cudaMallocHost(reinterpret_cast<void**>(&seen_), sizeof(Status)), "allocating pinned memory");
  for (cudaEvent_t& event : free_again_)
    check_call(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  status_ = static_cast<Status*>(memory_->allocate(sizeof(Status)));
  check_call(cudaMemsetAsync(status_, 0, sizeof(Status), stream_), "clearing the status");
}

DeviceState::~DeviceState() {
  cudaStreamSynchronize(stream_);
  if (cublas_) cublasDestroy(cublas_);
  if (workspace_) cudaFreeAsync(workspace_, stream_);
  memory_->release(status_, sizeof(Status));
  memory_->trim();
  cudaStreamSynchronize(stream_);
  for (cudaEvent_t event : free_again_) cudaEventDestroy(event);
  cudaFreeHost(staging_);
  cudaFreeHost(seen_);
  cudaStreamDestroy(stream_);
}

cublasHandle_t DeviceState::cublas() {
  if (cublas_) return cublas_;
  check_cublas(cublasCreate(&cublas_), "starting cuBLAS");
  check_cublas(cublasSetStream(cublas_, stream_), "starting cuBLAS");
  check_cublas(cublasSetMathMode(cublas_, CUBLAS_DEFAULT_MATH), "starting cuBLAS");
  // A workspace of its own keeps a captured graph from allocating.
  constexpr size_t workspace_bytes = size_t(4) << 20;
  check_call(cudaMallocAsync(&workspace_, workspace_bytes, stream_), "allocating the workspace of cuBLAS");
  check_cublas(cublasSetWorkspace(cublas_, workspace_, workspace_bytes), "starting cuBLAS");
  return cublas_;
}

void DeviceState::upload(void* to, const void* from, size_t bytes) {
  // A step uploads a few numbers (where its generators are, which rows it takes): a host that runs ahead by any number of
  // steps waits for no slot.
  if (bytes <= most_put_bytes) return launch_put(to, from, bytes, stream_);
  auto* target = static_cast<std::byte*>(to);
  const auto* source = static_cast<const std::byte*>(from);
  if (captured_) {  // a replay copies again: from memory that stays
    void* stays = nullptr;
    check_call(cudaMallocHost(&stays, bytes), "allocating pinned memory");
    captured_->uploaded.push_back(stays);
    std::memcpy(stays, from, bytes);
    return check_call(cudaMemcpyAsync(to, stays, bytes, cudaMemcpyHostToDevice, stream_), "copying to the device");
  }
  while (bytes > 0) {
    const size_t part = std::min(bytes, slot_bytes);
    const int slot = std::exchange(next_slot_, (next_slot_ + 1) % slots);
    if (cudaEventQuery(free_again_[slot]) != cudaSuccess)
      check_call(cudaEventSynchronize(free_again_[slot]), "waiting for a copy to the device");
    std::memcpy(staging_ + size_t(slot) * slot_bytes, source, part);
    check_call(cudaMemcpyAsync(target, staging_ + size_t(slot) * slot_bytes, part, cudaMemcpyHostToDevice, stream_),
               "copying to the device");
    check_call(cudaEventRecord(free_again_[slot], stream_), "copying to the device");
    target += part;
    source += part;
    bytes -= part;
  }
}

void DeviceState::download(void* to, const void* from, size_t bytes) {
  auto* target = static_cast<std::byte*>(to);
  const auto* source = static_cast<const std::byte*>(from);
  std::byte* slot = staging_ + slots * slot_bytes;
  do {
    const size_t part = std::min(bytes, slot_bytes);
    if (part > 0)
      check_call(cudaMemcpyAsync(slot, source, part, cudaMemcpyDeviceToHost, stream_), "copying from the device");
    synchronize();
    std::memcpy(target, slot, part);
    target += part;
    source += part;
    bytes -= part;
  } while (bytes > 0);
}

void DeviceState::synchronize() {
  if (captured_) throw pf::detail::NotReplayable{"it reads from the GPU what is computed in each run"};
  check_call(cudaMemcpyAsync(seen_, status_, sizeof(Status), cudaMemcpyDeviceToHost, stream_), "reading the status");
  check_call(cudaStreamSynchronize(stream_), "waiting for the device");
  if (seen_->complaint != 0) throw_complaint();
}

void DeviceState::begin_capture() {
  cublas();  // not while work is kept: it allocates
  captured_ = std::make_unique<Graph>(*this);
  memory_->begin_graph(captured_->memory);
  const cudaError_t status = cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed);
  if (status == cudaSuccess) return;
  memory_->end_graph();
  captured_.reset();
  check_call(status, "starting to capture");
}

Graph* DeviceState::end_capture() {
  cudaGraph_t graph = nullptr;
  check_call(cudaStreamEndCapture(stream_, &graph), "capturing");
  const cudaError_t status = cudaGraphInstantiate(&captured_->executable, graph, 0);
  cudaGraphDestroy(graph);
  check_call(status, "making a graph of what was captured");
  memory_->end_graph();
  return captured_.release();
}

void DeviceState::abandon_capture() noexcept {
  if (!captured_) return;
  cudaGraph_t graph = nullptr;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(stream_, &status);
  if (status != cudaStreamCaptureStatusNone) cudaStreamEndCapture(stream_, &graph);
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();
  memory_->end_graph();
  captured_.reset();
}

Graph::~Graph() {
  if (executable) cudaGraphExecDestroy(executable);
  // Copies of a launch may still be under way.
  if (!uploaded.empty()) cudaStreamSynchronize(state.stream());
  for (void* block : uploaded) cudaFreeHost(block);
  state.memory().release_graph(memory);
}

void DeviceState::throw_complaint() {
  const Status found = *seen_;
  check_call(cudaMemsetAsync(status_, 0, sizeof(Status), stream_), "clearing the status");
  constexpr const char* names[] = {"gather", "scatter_add", "index_select",     "index_add",    "one_hot",   "cholesky",
                                   "solve",  "inverse",     "solve_triangular", "clip_by_norm", "checkpoint"};
  const char* op = names[found.operation];
  const Shape matrix{found.limit, found.limit};
  const std::string place = found.value < 0 ? "" : join(" (matrix ", found.value, " of the batch)");
  switch (Complaint(found.complaint)) {
    case Complaint::not_positive_definite:
      fail(op, ": pivot ", found.position, " of ", matrix, place, " is ", found.number,
           ": expected a positive definite matrix; add a small multiple of the identity?");
    case Complaint::singular:
      fail(op, ": the matrix ", matrix, place, " is singular: pivot ", found.position, " is 0");
    case Complaint::zero_on_diagonal:
      fail(op, ": the matrix ", matrix, place, " is singular: element ", found.position, " of its diagonal is 0");
    case Complaint::not_the_same:
      fail(op, ": the second run of the function gave another value (element ", found.position, " of ", found.limit,
           "): it must compute the same each time; draw random numbers outside and pass them in");
    case Complaint::norm_not_finite:
      fail(op, ": the norm of the gradients is ", found.value ? "nan" : "inf",
           ": expected a finite number; AnomalyDetection finds the operation that made it");
    default:
      fail(op, ": index ", found.value, " (number ", found.position, " of the index): expected 0 to ", found.limit - 1);
  }
}

}  // namespace pf::cuda
