// Memory of the device and of the host, copies.

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emulator/api_call.h"
#include "emulator/counters.h"
#include "emulator/device.h"
#include "emulator/device_memory.h"
#include "emulator/fault.h"
#include "emulator/memory_pool.h"
#include "emulator/pinned_memory.h"
#include "emulator/signals.h"
#include "emulator/stream.h"

using namespace pf::emulator;

namespace {

const char* const not_allocated = "the address is not of an allocation, or was freed before";

/// The allocation that begins there.
Allocation* allocation_at(void* address) {
  Allocation* allocation = find_allocation(address, 1);
  return allocation && allocation->start == address && !allocation->release_queued ? allocation : nullptr;
}

void count_allocation(size_t bytes) {
  ++counters().allocations;
  ++counters().live_allocations;
  counters().bytes_in_use += bytes;
  counters().most_bytes_in_use = std::max(counters().most_bytes_in_use, counters().bytes_in_use);
}
/// Bytes whose release is queued: they are held until the queue runs.
size_t queued_for_release = 0;
constexpr size_t most_queued_for_release = size_t(64) << 20;

void count_release(size_t bytes) {
  ++counters().releases;
  --counters().live_allocations;
  counters().bytes_in_use -= bytes;
}

cudaError_t check_range(const ApiCall& call, const void* address, size_t bytes, const char* which) {
  if (bytes == 0 || !in_device_memory(address)) return cudaSuccess;
  const Allocation* allocation = find_allocation(address, bytes);
  if (allocation && !allocation->release_queued) return cudaSuccess;
  return call.refuse(cudaErrorInvalidValue,
                     std::string("the ") + which + " range of " + std::to_string(bytes) +
                         " bytes leaves its allocation: " + (allocation ? "it was freed" : explain_address(address)));
}

cudaError_t check_copy(const ApiCall& call, const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = in_device_memory(to), from_device = in_device_memory(from);
  const bool right = kind == cudaMemcpyDefault || (kind == cudaMemcpyHostToDevice && to_device && !from_device) ||
                     (kind == cudaMemcpyDeviceToHost && !to_device && from_device) ||
                     (kind == cudaMemcpyDeviceToDevice && to_device && from_device) ||
                     (kind == cudaMemcpyHostToHost && !to_device && !from_device);
  if (!right && bytes)
    return call.refuse(cudaErrorInvalidValue, "the direction of the copy is not that of the addresses");
  if (cudaError_t error = check_range(call, to, bytes, "destination")) return error;
  return check_range(call, from, bytes, "source");
}

void count_copy(const void* to, const void* from, size_t bytes) {
  if (!in_device_memory(to)) {
    ++counters().copies_to_host;
    counters().bytes_to_host += bytes;
  } else if (!in_device_memory(from)) {
    ++counters().copies_to_device;
    counters().bytes_to_device += bytes;
  } else {
    ++counters().copies_on_device;
  }
}

/// At the time of the copy: was the memory allocated, in stream order?
void check_accessible(const void* address, size_t bytes, const char* which) {
  if (bytes == 0 || !in_device_memory(address)) return;
  const Allocation* allocation = find_allocation(address, bytes);
  if (allocation && allocation->accessible) return;
  report_fault(FaultKind::kernel, cudaErrorIllegalAddress,
               std::string("a copy's ") + which + " is " + explain_address(address));
}

cudaError_t copy(const ApiCall& call, void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                 cudaStream_t handle, bool wait) {
  if (cudaError_t error = check_copy(call, to, from, bytes, kind)) return error;
  if (!is_stream(handle)) return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist");
  CUstream_st& stream = stream_of(handle);
  if (!stream.capture) count_copy(to, from, bytes);
  const bool pageable_source = !in_device_memory(from) && !is_pinned(from);
  const bool pageable_target = !in_device_memory(to) && !is_pinned(to);
  std::shared_ptr<std::vector<char>> staged;  // pageable memory is read when the call is made
  if (pageable_source && !stream.capture) {
    staged =
        std::make_shared<std::vector<char>>(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
  }
  const cudaError_t error = enqueue(handle, NodeKind::copy, nullptr, [=] {
    if (device_error != cudaSuccess) return;
    check_accessible(to, bytes, "destination");
    check_accessible(from, bytes, "source");
    if (device_error == cudaSuccess && bytes) std::memmove(to, staged ? staged->data() : from, bytes);
  });
  if (error != cudaSuccess) return call.give(error);
  if ((wait || pageable_target) && !stream.capture) {
    ++counters().implicit_synchronisations;
    drain(stream);
  }
  return call.give(device_error);
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** address, size_t bytes) {
  PF_EMULATOR_CALL("cudaMalloc");
  watch_memory_faults();
  if (cudaError_t error = refuse_in_capture("cudaMalloc")) return call.give(error);
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  Allocation* allocation = reserve_memory(bytes, current_device(), nullptr);
  if (!allocation) return call.refuse(cudaErrorMemoryAllocation, "no room for " + std::to_string(bytes) + " bytes");
  count_allocation(bytes);
  make_accessible(*allocation);
  *address = allocation->start;
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  PF_EMULATOR_CALL("cudaFree");
  if (!address) return cudaSuccess;
  if (cudaError_t error = refuse_in_capture("cudaFree")) return call.give(error);
  ++counters().implicit_synchronisations;
  drain_all();
  Allocation* allocation = allocation_at(address);
  if (!allocation) return call.refuse(cudaErrorInvalidValue, not_allocated);
  count_release(allocation->bytes);
  release_memory(*allocation);
  return call.give(device_error);
}

cudaError_t cudaMallocFromPoolAsync(void** address, size_t bytes, cudaMemPool_t pool, cudaStream_t handle) {
  PF_EMULATOR_CALL("cudaMallocAsync");
  watch_memory_faults();
  *address = nullptr;
  if (!is_stream(handle)) return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist");
  if (bytes == 0) return cudaSuccess;
  if (queued_for_release > most_queued_for_release) drain_all();
  Allocation* allocation = reserve_memory(bytes, current_device(), pool_of(pool));
  if (!allocation) {  // what was released on some stream may not have happened yet
    drain_all();
    allocation = reserve_memory(bytes, current_device(), pool_of(pool));
  }
  if (!allocation) {
    return call.refuse(cudaErrorMemoryAllocation, "no room for " + std::to_string(bytes) + " bytes, " +
                                                      std::to_string(memory_in_use(current_device())) + " are in use");
  }
  count_allocation(bytes);
  pool_of(pool)->count(int64_t(bytes));
  Capture* capture = stream_of(handle).capture;
  if (capture) allocation->graph = capture->graph.get();
  *address = allocation->start;
  const cudaError_t error =
      enqueue(handle, NodeKind::allocation, nullptr, [allocation] { make_accessible(*allocation); });
  return call.give(error);
}
cudaError_t cudaMallocAsync(void** address, size_t bytes, cudaStream_t stream) {
  return cudaMallocFromPoolAsync(address, bytes, nullptr, stream);
}

cudaError_t cudaFreeAsync(void* address, cudaStream_t handle) {
  PF_EMULATOR_CALL("cudaFreeAsync");
  if (!address) return cudaSuccess;
  if (!is_stream(handle)) return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist");
  Allocation* allocation = allocation_at(address);
  if (!allocation) return call.refuse(cudaErrorInvalidValue, not_allocated);
  const Capture* capture = stream_of(handle).capture;
  if (capture && allocation->graph == capture->graph.get()) {
    // The graph's own memory: keeps its address, is allocated and released each time the graph runs.
    return call.give(enqueue(handle, NodeKind::release, nullptr, [allocation] { make_inaccessible(*allocation); }));
  }
  if (capture)
    return call.refuse(cudaErrorInvalidValue, "memory from outside of the graph is released while it is captured");
  allocation->release_queued = true;
  count_release(allocation->bytes);
  if (allocation->pool) allocation->pool->count(-int64_t(allocation->bytes));
  queued_for_release += allocation->bytes;
  return call.give(enqueue(handle, NodeKind::release, nullptr, [allocation] {
    queued_for_release -= allocation->bytes;
    release_memory(*allocation);
  }));
}

cudaError_t cudaMallocHost(void** address, size_t bytes) {
  PF_EMULATOR_CALL("cudaMallocHost");
  if (cudaError_t error = refuse_in_capture("cudaMallocHost")) return call.give(error);
  *address = pin_new(bytes);
  ++counters().host_allocations;
  return *address ? cudaSuccess : call.refuse(cudaErrorMemoryAllocation, "no host memory");
}
cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned) { return cudaMallocHost(address, bytes); }

cudaError_t cudaFreeHost(void* address) {
  PF_EMULATOR_CALL("cudaFreeHost");
  if (!address) return cudaSuccess;
  ++counters().implicit_synchronisations;
  drain_all();
  if (!unpin(address))
    return call.refuse(cudaErrorInvalidValue, "the address is not of cudaMallocHost, or was freed before");
  ++counters().host_releases;
  return call.give(device_error);
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total) {
  PF_EMULATOR_CALL("cudaMemGetInfo");
  *total = device_memory_bytes();
  *free_bytes = *total - std::min(*total, memory_in_use(current_device()));
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
  PF_EMULATOR_CALL("cudaPointerGetAttributes");
  *attributes = {};
  attributes->device = -1;
  if (const Allocation* allocation = find_allocation(address, 1)) {
    attributes->type = cudaMemoryTypeDevice;
    attributes->device = allocation->device;
    attributes->devicePointer = const_cast<void*>(address);
  } else if (is_pinned(address)) {
    attributes->type = cudaMemoryTypeHost;
    attributes->hostPointer = attributes->devicePointer = const_cast<void*>(address);
  }
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  PF_EMULATOR_CALL("cudaMemcpyAsync");
  return copy(call, to, from, bytes, kind, stream, false);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  PF_EMULATOR_CALL("cudaMemcpy");
  if (cudaError_t error = refuse_in_capture("cudaMemcpy")) return call.give(error);
  return copy(call, to, from, bytes, kind, nullptr, true);
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  PF_EMULATOR_CALL("cudaMemsetAsync");
  if (bytes && !in_device_memory(to)) return call.refuse(cudaErrorInvalidValue, "the address is not device memory");
  if (cudaError_t error = check_range(call, to, bytes, "destination")) return error;
  if (is_stream(stream) && !stream_of(stream).capture) ++counters().fills;
  return call.give(enqueue(stream, NodeKind::set, nullptr, [=] {
    if (device_error != cudaSuccess) return;
    check_accessible(to, bytes, "destination");
    if (device_error == cudaSuccess && bytes) std::memset(to, value, bytes);
  }));
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) { return cudaMemsetAsync(to, value, bytes, nullptr); }

}  // extern "C"
