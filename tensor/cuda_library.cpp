// Loading the CUDA library, and memory on its devices.

#include <dlfcn.h>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

#include "tensor/cuda_backend.h"
#include "tensor/ops/op.h"
#include "tensor/storage.h"

namespace pf {
namespace cuda {
namespace {

#ifndef PF_LIBRARY_FOLDER  // of an installation, set by the build
#define PF_LIBRARY_FOLDER "lib"
#endif

constexpr const char* own_name = "pushforward_cuda";

struct Library {
  void* handle = nullptr;
  std::filesystem::path path;
  std::string why_not;  // the last reason given by the loader
};

// Beside the program, where an installation puts libraries, where the build does, and wherever the system looks.
Library open_library() {
  std::vector<std::filesystem::path> places;
  const std::string file = std::string("lib") + own_name + ".so";
  if (const char* given = std::getenv("PF_CUDA_LIBRARY")) {
    places.emplace_back(given);
  } else {
    std::error_code none;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", none).parent_path();
    for (const char* folder : {".", "cuda", "../cuda", "../" PF_LIBRARY_FOLDER})
      if (const auto path = program / folder / file; std::filesystem::exists(path, none)) places.push_back(path);
    places.emplace_back(file);
  }
  Library out;
  for (const auto& path : places) {
    out.handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (out.handle) {
      out.path = path;
      break;
    }
    if (const char* text = dlerror()) out.why_not = text;
  }
  return out;
}

Library& library() {
  static Library opened = open_library();
  return opened;
}

Backend* find_backend(std::string& reason) {
  const Library& own = library();
  if (!own.handle) {
    reason = join("this build has no CUDA library", std::getenv("PF_CUDA_LIBRARY") ? join(" (", own.why_not, ")") : "",
                  "; configure with -DPF_CUDA=ON where the CUDA toolkit is");
    return nullptr;
  }
  const auto make = reinterpret_cast<Backend* (*)()>(dlsym(own.handle, "pf_cuda_backend"));
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

// The library of other people's operations: named like the CUDA library, and in the same folder.
void* module_handle(const char* module) {
  static std::mutex mutex;
  static std::map<std::string, void*> handles;
  std::lock_guard lock(mutex);
  void*& handle = handles[module];
  if (handle) return handle;
  std::string file = library().path.filename().string();
  file.replace(file.find(own_name), std::string(own_name).size(), module);
  const auto path = library().path.parent_path() / file;
  handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  check(handle, "cuda: ", path.string(), ": ", handle ? "" : dlerror());
  return handle;
}

}  // namespace

Backend& backend() {
  const Found& found = found_backend();
  check(found.backend, "cuda: ", found.reason);
  return *found.backend;
}

bool available(std::string* reason) {
  const Found& found = found_backend();
  if (reason) *reason = found.reason;
  return found.backend;
}

const PointwiseLaunchers& find_launchers(const PointwiseKernels& kernels) {
  std::atomic_ref kept(kernels.launchers);
  if (const PointwiseLaunchers* known = kept.load(std::memory_order_acquire)) return *known;
  void* handle = *kernels.module ? module_handle(kernels.module) : library().handle;
  using Find = const PointwiseLaunchers* (*)(const char* type);
  const auto find = reinterpret_cast<Find>(dlsym(handle, "pf_cuda_launchers"));
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
