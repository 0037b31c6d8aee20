#include "tensor/cuda/device_state.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tensor/cuda/backend_kernels.h"
#include "tensor/device_errors.h"
#include "tensor/recording.h"

namespace pf::cuda {

namespace {

/// PF_CUDA_WAIT=1: wait after each operation.
bool waits() {
  static const bool asked = [] {
    const char* text = std::getenv("PF_CUDA_WAIT");
    return text && *text && std::strcmp(text, "0") != 0;
  }();
  return asked;
}

/// Errors that kernels leave behind: any later call may give them, whatever it does itself.
bool left_by_a_kernel(cudaError_t status) {
  switch (status) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
      return true;
    default:
      return false;
  }
}

/// The library was compiled for other GPUs than this one.
bool has_no_code(cudaError_t status) {
  return status == cudaErrorNoKernelImageForDevice || status == cudaErrorUnsupportedPtxVersion ||
         status == cudaErrorInvalidPtx || status == cudaErrorJitCompilerNotFound;
}

std::string name_of(cudaError_t status) {
  return join(cudaGetErrorString(status), " (", cudaGetErrorName(status), ")");
}

/// "; found after softmax [64, 10], …", or nothing where nothing was queued.
std::string found_after() {
  const DeviceState* state = DeviceState::in_use();
  if (!state || !state->last().op) return "";
  const Queued& last = state->last();
  const std::string hint = " (PF_CUDA_WAIT=1 waits after each and names it exactly)";
  if (last.in_graph > 0)
    return join("; found after a graph of ", last.in_graph, " operations, the last of them ", last.op, " ", last.shape,
                hint);
  return join("; found after ", last.op, " ", last.shape, ", the last operation queued", hint);
}

}  // namespace

void check_call(cudaError_t status, const char* what) {
  if (status == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();
  if (status == cudaErrorMemoryAllocation) throw OutOfDeviceMemory(join("cuda: ", what, ": ", name_of(status)));
  fail("cuda: ", what, ": ", name_of(status), left_by_a_kernel(status) ? found_after() : "");
}

void check_launch(cudaError_t status, const char* op, const Shape& shape) {
  if (status == cudaSuccess) [[likely]] {
    if (DeviceState* state = DeviceState::in_use()) status = state->note(op, shape);
    if (status == cudaSuccess) [[likely]]
      return;
  } else if (left_by_a_kernel(status)) {
    cudaGetLastError();
    fail(op, ": the kernel for ", shape, " was not queued: ", name_of(status), found_after());
  }
  cudaGetLastError();
  fail(op, ": the kernel for ", shape, " failed on the GPU: ", name_of(status),
       has_no_code(status)
           ? "; the CUDA library has no code for this GPU: build it anew with CUDAARCHS set to its architecture"
           : "");
}

void check_cublas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) [[likely]]
    return;
  if (status == CUBLAS_STATUS_ALLOC_FAILED)
    throw OutOfDeviceMemory(join("cuda: ", what, ": cuBLAS found no memory on the device"));
  // cuBLAS does not say whose error it is; any call of the runtime does.
  cudaStreamCaptureStatus unused = cudaStreamCaptureStatusNone;
  const DeviceState* state = DeviceState::in_use();
  const cudaError_t left = state ? cudaStreamIsCapturing(state->stream(), &unused) : cudaPeekAtLastError();
  if (left_by_a_kernel(left)) {
    cudaGetLastError();
    fail("cuda: ", what, ": ", name_of(left), found_after());
  }
  fail("cuda: ", what, ": cuBLAS failed: ", cublasGetStatusString(status));
}

void check_product(cublasStatus_t status, const char* op, const Shape& shape) {
  if (status == CUBLAS_STATUS_SUCCESS) [[likely]]
    return check_launch(cudaSuccess, op, shape);
  check_cublas(status, join(op, " for ", shape).c_str());
}

DeviceState*& DeviceState::in_use() {
  static thread_local DeviceState* state = nullptr;
  return state;
}

cudaError_t DeviceState::note(const char* op, const Shape& shape) {
  last_.op = op;
  last_.shape = shape;
  if (captured_) {
    ++last_.in_graph;
    return cudaSuccess;
  }
  last_.in_graph = 0;
  return waits() ? cudaStreamSynchronize(stream_) : cudaSuccess;
}

DeviceState::DeviceState(int device) : device_(device) {
  try {
    check_call(cudaSetDevice(device), "choosing the device");
    check_call(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
    memory_ = std::make_unique<MemoryPool>(stream_);
    // The driver keeps what is freed instead of giving it back at every synchronisation.
    cudaMemPool_t pool = nullptr;
    check_call(cudaDeviceGetDefaultMemPool(&pool, device), "reaching the memory pool");
    uint64_t keep = UINT64_MAX;
    check_call(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "setting up the memory pool");
    check_call(cudaMallocHost(reinterpret_cast<void**>(&staging_), (slots + 1) * slot_bytes),
               "allocating pinned memory");
    check_call(cudaMallocHost(reinterpret_cast<void**>(&seen_), sizeof(Status)), "allocating pinned memory");
    for (cudaEvent_t& event : free_again_)
      check_call(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
    status_ = static_cast<Status*>(memory_->allocate(sizeof(Status)));
    check_call(cudaMemsetAsync(status_, 0, sizeof(Status), stream_), "clearing the status");
  } catch (...) {
    release_all();
    throw;
  }
}

// Also of a state that was not made in full.
void DeviceState::release_all() noexcept {
  if (in_use() == this) in_use() = nullptr;
  if (stream_) cudaStreamSynchronize(stream_);
  if (cublas_) cublasDestroy(cublas_);
  if (workspace_) cudaFreeAsync(workspace_, stream_);
  if (status_) memory_->release(status_, sizeof(Status));
  if (memory_) memory_->trim();
  if (stream_) cudaStreamSynchronize(stream_);
  for (cudaEvent_t event : free_again_)
    if (event) cudaEventDestroy(event);
  if (staging_) cudaFreeHost(staging_);
  if (seen_) cudaFreeHost(seen_);
  memory_.reset();
  if (stream_) cudaStreamDestroy(stream_);
}

cublasHandle_t DeviceState::cublas() {
  if (cublas_) [[likely]]
    return cublas_;
  struct Half {  // thrown away unless all went well
    cudaStream_t stream;
    cublasHandle_t handle = nullptr;
    void* workspace = nullptr;
    ~Half() {
      if (handle) cublasDestroy(handle);
      if (workspace) cudaFreeAsync(workspace, stream);
    }
  } made{stream_};
  check_cublas(cublasCreate(&made.handle), "starting cuBLAS");
  check_cublas(cublasSetStream(made.handle, stream_), "starting cuBLAS");
  check_cublas(cublasSetMathMode(made.handle, CUBLAS_DEFAULT_MATH), "starting cuBLAS");
  // A workspace of its own keeps a captured graph from allocating.
  constexpr size_t workspace_bytes = size_t(4) << 20;
  cudaError_t status = cudaMallocAsync(&made.workspace, workspace_bytes, stream_);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    memory_->trim();
    cudaStreamSynchronize(stream_);
    status = cudaMallocAsync(&made.workspace, workspace_bytes, stream_);
  }
  check_call(status, "allocating the workspace of cuBLAS, 4 MiB");
  check_cublas(cublasSetWorkspace(made.handle, made.workspace, workspace_bytes), "starting cuBLAS");
  workspace_ = std::exchange(made.workspace, nullptr);
  return cublas_ = std::exchange(made.handle, nullptr);
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
  const cudaError_t status = cudaStreamSynchronize(stream_);
  if (status != cudaSuccess) {
    cudaGetLastError();
    fail("cuda: waiting for the device: ", name_of(status), found_after());
  }
  if (seen_->complaint != 0) throw_complaint();
}

void DeviceState::begin_capture() {
  if (waits()) throw pf::detail::NotReplayable{"PF_CUDA_WAIT=1 waits after each operation"};
  cublas();  // not while work is kept: it allocates
  captured_ = std::make_unique<Graph>(*this);
  captured_->last = last_;  // until the end: what was queued before
  last_.in_graph = 0;
  memory_->begin_graph(captured_->memory);
  const cudaError_t status = cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed);
  if (status == cudaSuccess) return;
  drop_captured();
  check_call(status, "starting to capture");
}

Graph* DeviceState::end_capture() {
  cudaGraph_t graph = nullptr;
  check_call(cudaStreamEndCapture(stream_, &graph), "capturing");
  const cudaError_t status = cudaGraphInstantiate(&captured_->executable, graph, 0);
  cudaGraphDestroy(graph);
  check_call(status, "making a graph of what was captured");
  memory_->end_graph();
  std::swap(captured_->last, last_);
  return captured_.release();
}

void DeviceState::launch(Graph& graph) {
  check_call(cudaGraphLaunch(graph.executable, stream_), "launching a graph");
  if (graph.last.in_graph > 0) last_ = graph.last;
  if (waits()) check_call(cudaStreamSynchronize(stream_), "waiting for a graph");
}

// Nothing is captured any more, and nothing of it was queued.
void DeviceState::drop_captured() noexcept {
  memory_->end_graph();
  last_ = captured_->last;
  captured_.reset();
}

void DeviceState::abandon_capture() noexcept {
  if (!captured_) return;
  cudaGraph_t graph = nullptr;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(stream_, &status);
  if (status != cudaStreamCaptureStatusNone) cudaStreamEndCapture(stream_, &graph);
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();
  drop_captured();
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
      throw NormNotFinite(join(op, ": the norm of the gradients is ", found.value ? "nan" : "inf",
                               ": expected a finite number; AnomalyDetection finds the operation that made it"));
    default:
      fail(op, ": index ", found.value, " (number ", found.position, " of the index): expected 0 to ", found.limit - 1);
  }
}

}  // namespace pf::cuda
