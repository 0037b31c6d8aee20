#include "emulator/memory_pool.h"

#include <algorithm>
#include <map>
#include <set>

#include "emulator/api_call.h"
#include "emulator/device.h"
#include "emulator/stream.h"

namespace pf::emulator {
namespace {
Pool& standard_pool(int device) {
  static std::map<int, Pool> pools;
  return pools[device];
}
std::set<Pool*>& created_pools() {
  static std::set<Pool*> pools;
  return pools;
}
cudaMemPool_t handle_of(Pool* pool) { return reinterpret_cast<cudaMemPool_t>(pool); }
}  // namespace

void Pool::count(int64_t bytes) {
  used = uint64_t(int64_t(used) + bytes);
  most_used = std::max(most_used, used);
}

Pool* pool_of(cudaMemPool_t handle) {
  return handle ? reinterpret_cast<Pool*>(handle) : &standard_pool(current_device());
}

}  // namespace pf::emulator

using namespace pf::emulator;

extern "C" {

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  PF_EMULATOR_CALL("cudaDeviceGetDefaultMemPool");
  if (device < 0 || device >= device_count()) return call.refuse(cudaErrorInvalidDevice, "there is no such device");
  *pool = handle_of(&standard_pool(device));
  return cudaSuccess;
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) { return cudaDeviceGetDefaultMemPool(pool, device); }

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps*) {
  PF_EMULATOR_CALL("cudaMemPoolCreate");
  Pool* created = new Pool;
  created_pools().insert(created);
  *pool = handle_of(created);
  return cudaSuccess;
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  PF_EMULATOR_CALL("cudaMemPoolDestroy");
  drain_all();
  if (created_pools().erase(pool_of(pool)) == 0)
    return call.refuse(cudaErrorInvalidValue, "the pool was not created, or is gone");
  delete pool_of(pool);
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  PF_EMULATOR_CALL("cudaMemPoolSetAttribute");
  Pool& pool = *pool_of(handle);
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold:
      pool.release_threshold = *static_cast<uint64_t*>(value);
      break;
    case cudaMemPoolAttrUsedMemHigh:
    case cudaMemPoolAttrReservedMemHigh:
      pool.most_used = pool.used;
      break;
    case cudaMemPoolReuseFollowEventDependencies:
    case cudaMemPoolReuseAllowOpportunistic:
    case cudaMemPoolReuseAllowInternalDependencies:
      break;
    default:
      return call.refuse(cudaErrorInvalidValue, "an attribute that the emulator does not know");
  }
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  PF_EMULATOR_CALL("cudaMemPoolGetAttribute");
  const Pool& pool = *pool_of(handle);
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold:
      *static_cast<uint64_t*>(value) = pool.release_threshold;
      break;
    case cudaMemPoolAttrUsedMemCurrent:
    case cudaMemPoolAttrReservedMemCurrent:
      *static_cast<uint64_t*>(value) = pool.used;
      break;
    case cudaMemPoolAttrUsedMemHigh:
    case cudaMemPoolAttrReservedMemHigh:
      *static_cast<uint64_t*>(value) = pool.most_used;
      break;
    default:
      return call.refuse(cudaErrorInvalidValue, "an attribute that the emulator does not know");
  }
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) {
  PF_EMULATOR_CALL("cudaMemPoolTrimTo");
  return cudaSuccess;
}

}  // extern "C"
