// Loading the CUDA library, and memory on its devices.

#include <dlfcn.h>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>

#include "tensor/cuda_backend.h"
#include "tensor/ops/op.h"
#include "tensor/shared_library.h"
#include "tensor/storage.h"

namespace pf {
namespace cuda {
namespace {

constexpr const char* own_name = "pushforward_cuda";

const SharedLibrary& library() {
  static const SharedLibrary opened = open_shared_library(own_name, "PF_CUDA_LIBRARY");
  return opened;
}

Backend* find_backend(std::string& reason) {
  const SharedLibrary& own = library();
  if (!own.handle && !own.path.empty()) {
    reason = join("the CUDA library cannot be loaded: ", own.why_not, "; it needs libcudart and libcublas of CUDA ",
                  "where the loader looks (LD_LIBRARY_PATH, ldconfig)");
    return nullptr;
  }
  if (!own.handle) {
    reason = join("this build has no CUDA library", std::getenv("PF_CUDA_LIBRARY") ? join(" (", own.why_not, ")") : "",
                  "; configure with -DPF_CUDA=ON where the CUDA toolkit is");
    return nullptr;
  }
  const auto make = own.find<Backend*()>("pf_cuda_backend");
  if (!make) {
    reason = join(own.path.string(), " is not a CUDA library of pushforward");
    return nullptr;
  }
  Backend* found = make();
  if (found->device_count() > 0) return found;
  const std::string said = found->why_no_device();
  reason = join("no CUDA device here", said.empty() ? "" : join(" (", said, ")"));
  return nullptr;
}

struct Found {
  Backend* backend;
  std::string reason;
};
const Found& found_backend() {
  static const Found found = [] {
    Found out{};
    out.backend = find_backend(out.reason);
    return out;
  }();
  return found;
}

}  // namespace

Backend& backend() {
  const Found& found = found_backend();
  check(found.backend, "cuda: ", found.reason);
  return *found.backend;
}

const SharedLibrary& companion(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, SharedLibrary> opened;
  std::lock_guard lock(mutex);
  SharedLibrary& out = opened[name];
  if (out.handle) return out;
  std::string file = library().path.filename().string();
  file.replace(file.find(own_name), std::string(own_name).size(), name);
  out.path = library().path.parent_path() / file;
  out.handle = dlopen(out.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!out.handle) out.why_not = dlerror();
  return out;
}

bool available(std::string* reason) {
  const Found& found = found_backend();
  if (reason) *reason = found.reason;
  return found.backend;
}

const PointwiseLaunchers& find_launchers(const PointwiseKernels& kernels) {
  std::atomic_ref kept(kernels.launchers);
  if (const PointwiseLaunchers* known = kept.load(std::memory_order_acquire)) return *known;
  const SharedLibrary& from = *kernels.module ? companion(kernels.module) : library();
  check(from.handle, "cuda: ", from.path.string(), ": ", from.why_not);
  const auto find = from.find<const PointwiseLaunchers*(const char* type)>("pf_cuda_launchers");
  const PointwiseLaunchers* found = find ? find(kernels.type) : nullptr;
  check(found, kernels.name, ": the CUDA library has no kernels of this operation; was it added by pf_add_ops?");
  kept.store(found, std::memory_order_release);
  return *found;
}

}  // namespace cuda

std::byte* Storage::allocate_on_device(size_t bytes, Device device) {
  cuda::Backend& on = cuda::backend();
  on.use(device.index);
  return static_cast<std::byte*>(on.allocate(bytes));
}

void Storage::release_from_device(std::byte* elements, size_t bytes, Device device) noexcept {
  cuda::backend().release(elements, bytes, device.index);
}

namespace {
thread_local Device current_default;
}

Device default_device() { return current_default; }

UseDevice::UseDevice(Device device) : before_(current_default) {
  if (device.is_cuda()) cuda::backend().use(device.index);
  current_default = device;
}
UseDevice::~UseDevice() { current_default = before_; }

Device parse_device(const std::string& text) {
  if (text == "cpu") return Device::cpu();
  if (text == "cuda") return Device::cuda();
  const std::string number = text.starts_with("cuda:") ? text.substr(5) : "";
  if (number.empty() || number.size() > 3 || number.find_first_not_of("0123456789") != std::string::npos)
    throw UsageError(join("device '", text, "': expected cpu, cuda or cuda:N"));
  return Device::cuda(std::stoi(number));
}

}  // namespace pf
