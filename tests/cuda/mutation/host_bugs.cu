// Mistakes of the host program: order, lifetime, limits.

#include <cublas_v2.h>

#include "mutation/bug.h"
#include "tensor/cuda/device_code.h"

namespace pf::mutation {
namespace {

__global__ void __launch_bounds__(128) fill_kernel(float* x, float value, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] = value;
}
__global__ void __launch_bounds__(128) add_one_kernel(const float* x, float* y, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = x[i] + 1;
}
cudaError_t fill(float* x, float value, int n, cudaStream_t stream, unsigned block = 128) {
  return PF_LAUNCH_INDEPENDENT(fill_kernel, unsigned(n + 127) / 128, block, 0, stream, x, value, n);
}
cudaError_t add_one(const float* x, float* y, int n, cudaStream_t stream) {
  return PF_LAUNCH_INDEPENDENT(add_one_kernel, unsigned(n + 127) / 128, 128, 0, stream, x, y, n);
}
__global__ void shared_kernel(float* y) {
  PF_DYNAMIC_SHARED(float, values);
  values[threadIdx.x] = 1;
  y[threadIdx.x] = values[threadIdx.x];
}

float* pinned(Trial& trial, float value) {
  void* memory = nullptr;
  trial.ok(cudaMallocHost(&memory, sizeof(float)));
  *static_cast<float*>(memory) = value;
  return static_cast<float*>(memory);
}
cudaEvent_t event(Trial& trial) {
  cudaEvent_t made = nullptr;
  trial.ok(cudaEventCreateWithFlags(&made, cudaEventDisableTiming));
  return made;
}
void wait_for(Trial& trial, cudaStream_t waiting, cudaStream_t working) {
  const cudaEvent_t done = event(trial);
  trial.ok(cudaEventRecord(done, working));
  trial.ok(cudaStreamWaitEvent(waiting, done, 0));
  trial.ok(cudaEventDestroy(done));
}

void block_too_big(Trial& trial, bool fixed) {
  trial.ok(fill(trial.room<float>(8), 1, 8, trial.stream, fixed ? 1024 : 1056));
}
void too_much_shared_memory(Trial& trial, bool fixed) {
  float* y = trial.room<float>(32);
  trial.ok(PF_LAUNCH(shared_kernel, 1, 32, size_t(fixed ? 48 : 64) << 10, trial.stream, y));
}
void host_touches_device_memory(Trial& trial, bool fixed) {
  float* x = trial.array(std::vector<float>{1, 2});
  const volatile float* at = x;
  trial.expect((fixed ? trial.read(x, 2, trial.stream)[1] : at[1]) == 2.0f, "the element");
}

void freed_memory(Trial& trial, bool fixed) {
  float *x = trial.array(std::vector<float>(8, 1.0f)), *y = trial.room<float>(8);
  if (!fixed) trial.ok(cudaFree(x));
  trial.ok(add_one(x, y, 8, trial.stream));
  trial.expect_values(y, std::vector<float>(8, 2.0f), "the sum");
}
void freed_while_in_use(Trial& trial, bool fixed) {  // on another stream than the one that still works with it
  void* x = nullptr;
  float* y = trial.room<float>(8);
  trial.ok(cudaMallocAsync(&x, 32, trial.stream));
  trial.ok(cudaMemsetAsync(x, 0, 32, trial.stream));
  trial.ok(add_one(static_cast<float*>(x), y, 8, trial.stream));
  if (fixed) wait_for(trial, trial.other, trial.stream);
  trial.ok(cudaFreeAsync(x, trial.other));
  trial.ok(cudaStreamSynchronize(trial.other));
  trial.expect_values(y, std::vector<float>(8, 1.0f), "the sum");
}
void used_before_allocated(Trial& trial, bool fixed) {  // on another stream than the one that allocates
  void* x = nullptr;
  trial.ok(cudaMallocAsync(&x, 32, trial.stream));
  if (fixed) wait_for(trial, trial.other, trial.stream);
  trial.ok(fill(static_cast<float*>(x), 1, 8, trial.other));
  trial.ok(cudaStreamSynchronize(trial.other));
  trial.expect_values(static_cast<float*>(x), std::vector<float>(8, 1.0f), "the filled array");
}
void freed_twice(Trial& trial, bool fixed) {
  float* x = trial.room<float>(8);
  trial.ok(cudaFree(x));
  if (!fixed) trial.ok(cudaFree(x));
}
void freed_by_two_pools(Trial& trial, bool fixed) {
  cudaMemPool_t pool = nullptr;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  void* x = nullptr;
  trial.ok(cudaMemPoolCreate(&pool, &properties));
  trial.ok(cudaMallocFromPoolAsync(&x, 64, pool, trial.stream));
  trial.ok(cudaFreeAsync(x, trial.stream));
  if (!fixed) trial.ok(cudaFree(x));
  trial.ok(cudaMemPoolDestroy(pool));
}
void freed_inner_pointer(Trial& trial, bool fixed) {
  float* x = trial.room<float>(8);
  trial.ok(cudaFree(fixed ? x : x + 2));
}

void read_back_without_waiting(Trial& trial, bool fixed) {
  float *x = trial.room<float>(1), *host = pinned(trial, -1);
  trial.ok(fill(x, 5, 1, trial.stream));
  trial.ok(cudaMemcpyAsync(host, x, sizeof(float), cudaMemcpyDeviceToHost, trial.stream));
  if (fixed) trial.ok(cudaStreamSynchronize(trial.stream));
  trial.expect(*host == 5, "the value read back");
}
void buffer_changed_too_early(Trial& trial, bool fixed) {
  float *x = trial.room<float>(1), *host = pinned(trial, 5);
  trial.ok(cudaMemcpyAsync(x, host, sizeof(float), cudaMemcpyHostToDevice, trial.stream));
  if (fixed) trial.ok(cudaStreamSynchronize(trial.stream));
  *host = 7;
  trial.expect_values(x, {5.0f}, "the value uploaded");
}
void two_streams_without_event(Trial& trial, bool fixed) {
  float *x = trial.array(std::vector<float>(8, 0.0f)), *y = trial.room<float>(8);
  trial.ok(fill(x, 5, 8, trial.stream));
  if (fixed) wait_for(trial, trial.other, trial.stream);
  trial.ok(add_one(x, y, 8, trial.other));
  trial.ok(cudaStreamSynchronize(trial.other));
  trial.expect_values(y, std::vector<float>(8, 6.0f), "the sum");
}
void event_recorded_too_early(Trial& trial, bool fixed) {
  float *x = trial.array(std::vector<float>(8, 0.0f)), *y = trial.room<float>(8);
  const cudaEvent_t done = event(trial);
  if (!fixed) trial.ok(cudaEventRecord(done, trial.stream));
  trial.ok(fill(x, 5, 8, trial.stream));
  if (fixed) trial.ok(cudaEventRecord(done, trial.stream));
  trial.ok(cudaStreamWaitEvent(trial.other, done, 0));
  trial.ok(add_one(x, y, 8, trial.other));
  trial.ok(cudaStreamSynchronize(trial.other));
  trial.expect_values(y, std::vector<float>(8, 6.0f), "the sum");
}
void default_stream_taken_for_all(Trial& trial, bool fixed) {  // a plain cudaMemcpy does not wait for such a stream
  float* x = trial.array(std::vector<float>(8, 0.0f));
  trial.ok(fill(x, 5, 8, trial.stream));
  if (fixed) trial.ok(cudaStreamSynchronize(trial.stream));
  std::vector<float> host(8);
  trial.ok(cudaMemcpy(host.data(), x, 32, cudaMemcpyDeviceToHost));
  trial.expect(host[0] == 5, "the value read back");
}

void copy_too_long(Trial& trial, bool fixed) {
  float* x = trial.room<float>(8);
  std::vector<float> host(9);
  trial.ok(cudaMemcpyAsync(x, host.data(), fixed ? 32 : 36, cudaMemcpyHostToDevice, trial.stream));
}
void copy_in_the_wrong_direction(Trial& trial, bool fixed) {
  float* x = trial.room<float>(8);
  std::vector<float> host(8);
  trial.ok(cudaMemcpyAsync(x, host.data(), 32, fixed ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost, trial.stream));
}
void product_larger_than_its_memory(Trial& trial, bool fixed) {
  float *a = trial.array(std::vector<float>(16, 1.0f)), *c = trial.room<float>(16);
  cublasHandle_t handle = nullptr;
  const float one = 1, zero = 0;
  const int n = fixed ? 4 : 5;
  trial.expect(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS, "a handle");
  trial.expect(cublasSetStream(handle, trial.stream) == CUBLAS_STATUS_SUCCESS, "its stream");
  trial.expect(
      cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, n, 4, &one, a, 4, a, 4, &zero, c, 4) == CUBLAS_STATUS_SUCCESS,
      "the product");
  trial.expect(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS, "the end");
}

cudaGraphExec_t captured(Trial& trial, void (*calls)(Trial&, float*, float*, bool), float* x, float* y, bool fixed) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  trial.ok(cudaStreamBeginCapture(trial.stream, cudaStreamCaptureModeThreadLocal));
  calls(trial, x, y, fixed);
  if (!trial.ok(cudaStreamEndCapture(trial.stream, &graph))) return nullptr;
  trial.ok(cudaGraphInstantiate(&executable, graph, 0));
  trial.ok(cudaGraphDestroy(graph));
  return executable;
}
void launch_graph(Trial& trial, cudaGraphExec_t executable) {
  if (!executable) return;
  trial.ok(cudaGraphLaunch(executable, trial.stream));
  trial.ok(cudaStreamSynchronize(trial.stream));
  trial.ok(cudaGraphExecDestroy(executable));
}

void synchronisation_in_capture(Trial& trial, bool fixed) {
  float *x = trial.room<float>(8), *y = trial.room<float>(8);
  launch_graph(trial, captured(
                          trial,
                          [](Trial& t, float* a, float* b, bool right) {
                            t.ok(fill(a, 5, 8, t.stream));
                            if (!right) t.ok(cudaStreamSynchronize(t.stream));
                            t.ok(add_one(a, b, 8, t.stream));
                          },
                          x, y, fixed));
  trial.expect_values(y, std::vector<float>(8, 6.0f), "the sum");
}
void fork_without_join(Trial& trial, bool fixed) {
  float *x = trial.room<float>(8), *y = trial.room<float>(8);
  launch_graph(trial, captured(
                          trial,
                          [](Trial& t, float* a, float*, bool right) {
                            wait_for(t, t.other, t.stream);
                            t.ok(fill(a, 5, 8, t.other));
                            if (right) wait_for(t, t.stream, t.other);
                          },
                          x, y, fixed));
}
void graph_with_a_missing_dependency(Trial& trial, bool fixed) {
  float *x = trial.array(std::vector<float>(8, 0.0f)), *y = trial.room<float>(8);
  launch_graph(trial, captured(
                          trial,
                          [](Trial& t, float* a, float* b, bool right) {
                            wait_for(t, t.other, t.stream);
                            t.ok(fill(a, 5, 8, t.stream));
                            if (right) wait_for(t, t.other, t.stream);
                            t.ok(add_one(a, b, 8, t.other));
                            wait_for(t, t.stream, t.other);
                          },
                          x, y, fixed));
  trial.expect_values(y, std::vector<float>(8, 6.0f), "the sum");
}
void graph_outlives_its_memory(Trial& trial, bool fixed) {
  float *x = trial.array(std::vector<float>(8, 1.0f)), *y = trial.room<float>(8);
  const cudaGraphExec_t executable = captured(
      trial, [](Trial& t, float* a, float* b, bool) { t.ok(add_one(a, b, 8, t.stream)); }, x, y, fixed);
  if (!fixed) trial.ok(cudaFree(x));
  launch_graph(trial, executable);
  trial.expect_values(y, std::vector<float>(8, 2.0f), "the sum");
}
void stream_used_after_its_end(Trial& trial, bool fixed) {
  float* x = trial.room<float>(8);
  if (!fixed) trial.ok(cudaStreamDestroy(trial.other));
  trial.ok(fill(x, 5, 8, trial.other));
}

}  // namespace

const std::vector<Bug> host_bugs = {
    {"block_too_big", "more threads in a block than there can be", block_too_big},
    {"too_much_shared_memory", "64 KiB of dynamic shared memory without asking", too_much_shared_memory},
    {"host_touches_device_memory", "host code reads device memory", host_touches_device_memory},
    {"freed_memory", "a kernel uses freed memory", freed_memory},
    {"freed_while_in_use", "memory is freed on another stream than uses it", freed_while_in_use},
    {"used_before_allocated", "memory is used on another stream than allocates it", used_before_allocated},
    {"freed_twice", "memory is freed twice", freed_twice},
    {"freed_by_two_pools", "memory of a pool is freed there and once more", freed_by_two_pools},
    {"freed_inner_pointer", "a pointer into an allocation is freed", freed_inner_pointer},
    {"read_back_without_waiting", "a result is read before the copy has run", read_back_without_waiting},
    {"buffer_changed_too_early", "an upload's buffer is changed before the copy has run", buffer_changed_too_early},
    {"two_streams_without_event", "one stream uses what another computes, without an event", two_streams_without_event},
    {"event_recorded_too_early", "the event comes before the work that it stands for", event_recorded_too_early},
    {"default_stream_taken_for_all", "cudaMemcpy is expected to wait for all streams", default_stream_taken_for_all},
    {"copy_too_long", "a copy is longer than the memory", copy_too_long},
    {"copy_in_the_wrong_direction", "a copy's direction is wrong", copy_in_the_wrong_direction},
    {"product_larger_than_its_memory", "a matrix product writes past its result", product_larger_than_its_memory},
    {"synchronisation_in_capture", "a captured step waits", synchronisation_in_capture},
    {"fork_without_join", "a second stream of a capture is not joined", fork_without_join},
    {"graph_with_a_missing_dependency", "a graph's branch lacks an event", graph_with_a_missing_dependency},
    {"graph_outlives_its_memory", "a graph is launched after its memory is gone", graph_outlives_its_memory},
    {"stream_used_after_its_end", "work is queued on a stream that was destroyed", stream_used_after_its_end},
};

}  // namespace pf::mutation
