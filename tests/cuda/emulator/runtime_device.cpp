// Devices, their properties, synchronisation with all of a device. The emulated device has the limits of compute
// capability 8.6: what runs within them runs on every newer GPU.

#include <algorithm>
#include <cstdio>
#include <string>

#include "emulator/api_call.h"
#include "emulator/counters.h"
#include "emulator/device.h"
#include "emulator/device_memory.h"
#include "emulator/fault.h"
#include "emulator/settings.h"
#include "emulator/shared_memory.h"
#include "emulator/stream.h"

namespace pf::emulator {
namespace {
int& device_of_thread() {
  static thread_local int device = 0;
  return device;
}
}  // namespace

int device_count() { return settings().devices; }
int current_device() { return device_of_thread(); }
size_t device_memory_bytes() { return settings().device_memory; }

}  // namespace pf::emulator

using namespace pf::emulator;

namespace {

cudaError_t check_device(const ApiCall& call, int device) {
  if (device >= 0 && device < device_count()) return cudaSuccess;
  return call.refuse(cudaErrorInvalidDevice,
                     "device " + std::to_string(device) + " of " + std::to_string(device_count()));
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  PF_EMULATOR_CALL("cudaGetDeviceCount");
  if (device_count() == 0) return call.refuse(cudaErrorNoDevice, "PF_EMULATOR_DEVICES is 0");
  *count = device_count();
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  PF_EMULATOR_CALL("cudaSetDevice");
  if (cudaError_t error = check_device(call, device)) return error;
  device_of_thread() = device;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  PF_EMULATOR_CALL("cudaGetDevice");
  *device = current_device();
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  PF_EMULATOR_CALL("cudaDeviceCanAccessPeer");
  if (cudaError_t error = check_device(call, device)) return error;
  if (cudaError_t error = check_device(call, peer)) return error;
  *can = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  PF_EMULATOR_CALL("cudaGetDeviceProperties");
  if (cudaError_t error = check_device(call, device)) return error;
  cudaDeviceProp& p = *properties;
  p = {};
  std::snprintf(p.name, sizeof p.name, "emulated device %d", device);
  p.totalGlobalMem = device_memory_bytes();
  p.sharedMemPerBlock = static_shared_limit;
  p.sharedMemPerBlockOptin = dynamic_shared_limit;
  p.sharedMemPerMultiprocessor = size_t(100) << 10;
  p.regsPerBlock = p.regsPerMultiprocessor = 65536;
  p.warpSize = 32;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsPerMultiProcessor = 1536;
  p.maxBlocksPerMultiProcessor = 16;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = 1024;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 0x7fffffff;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.major = 8;
  p.minor = 6;
  p.multiProcessorCount = 4;
  p.unifiedAddressing = p.concurrentKernels = p.memoryPoolsSupported = p.streamPrioritiesSupported = 1;
  p.asyncEngineCount = 2;
  p.l2CacheSize = 4 << 20;
  p.memoryBusWidth = 256;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  PF_EMULATOR_CALL("cudaDeviceGetAttribute");
  if (cudaError_t error = check_device(call, device)) return error;
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = 8;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 6;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = 4;
      break;
    case cudaDevAttrWarpSize:
      *value = 32;
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY:
      *value = 1024;
      break;
    case cudaDevAttrMaxBlockDimZ:
      *value = 64;
      break;
    case cudaDevAttrMaxGridDimX:
      *value = 0x7fffffff;
      break;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      *value = 65535;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = 1536;
      break;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      *value = 16;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = int(static_shared_limit);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = int(dynamic_shared_limit);
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = 100 << 10;
      break;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      *value = 65536;
      break;
    case cudaDevAttrL2CacheSize:
      *value = 4 << 20;
      break;
    case cudaDevAttrClockRate:
      *value = 1500000;
      break;
    case cudaDevAttrMemoryClockRate:
      *value = 9000000;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = 256;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      break;
    case cudaDevAttrConcurrentKernels:
      *value = 1;
      break;
    case cudaDevAttrUnifiedAddressing:
      *value = 1;
      break;
    case cudaDevAttrCooperativeLaunch:
      *value = 0;
      break;
    default:
      return call.refuse(cudaErrorInvalidValue, "an attribute that the emulator does not know");
  }
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  PF_EMULATOR_CALL("cudaDriverGetVersion");
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  PF_EMULATOR_CALL("cudaRuntimeGetVersion");
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  PF_EMULATOR_CALL("cudaDeviceSynchronize");
  ++counters().synchronisations;
  if (cudaError_t error = refuse_in_capture("cudaDeviceSynchronize")) return call.give(error);
  drain_all();
  return call.give(device_error);
}

// These two give errors; they do not fail themselves.
cudaError_t cudaGetLastError() {
  const std::lock_guard lock(runtime_lock());
  const cudaError_t error = device_error != cudaSuccess ? device_error : last_error();
  last_error() = cudaSuccess;
  return error;
}
cudaError_t cudaPeekAtLastError() {
  const std::lock_guard lock(runtime_lock());
  return device_error != cudaSuccess ? device_error : last_error();
}

}  // extern "C"
