#include "tensor/device_pass.h"

namespace pf {

Device device_of(std::span<const Tensor* const> inputs) {
  for (const Tensor* x : inputs)
    if (x->device().is_cuda()) return x->device();
  return Device::cpu();
}

namespace {
[[noreturn]] void fail_on_devices(std::string_view op, const Tensor& a, const Tensor& b) {
  // What is on the CPU goes to the GPU; of two GPUs the first stays.
  const bool first_stays = a.device().is_cuda();
  fail(op, ": ", a.shape(), " is on ", a.device(), " and ", b.shape(), " on ", b.device(),
       ": expected one device; copy the ", first_stays ? "second" : "first", " with to_device(x, Device::cuda(",
       (first_stays ? a : b).device().index, "))");
}
}  // namespace

void check_same_device(std::string_view op, const Tensor& a, const Tensor& b) {
  if (!a.is_literal() && !b.is_literal() && a.device() != b.device()) [[unlikely]]
    fail_on_devices(op, a, b);
}

namespace {
/// Whether all elements are one in memory: a number, perhaps expanded.
bool one_number(const Tensor& x) {
  if (x.numel() == 0) return false;
  for (int i = 0; i < x.rank(); ++i)
    if (x.shape()[i] != 1 && x.strides()[i] != 0) return false;
  return true;
}
}  // namespace

cuda::Backend& backend_of(Device device) {
  cuda::Backend& backend = cuda::backend();
  backend.use(device.index);
  return backend;
}

cuda::Pass device_pass(const Shape& shape, DType dtype, std::span<const Tensor* const> inputs,
                       std::span<Tensor* const> outputs, std::vector<Tensor>& kept) {
  cuda::Pass pass{.shape = shape, .dtype = dtype};
  kept.reserve(kept.size() + inputs.size());
  const Device device = device_of(inputs);
  for (const Tensor* x : inputs) {
    cuda::Source& source = pass.sources[size_t(pass.source_count++)];
    if (!x->device().is_cuda() && one_number(*x)) {
      source.number = x->view(Layout{{}, {}, x->layout().offset}).item();
      continue;
    }
    if (!x->is_literal() && x->device() != device) [[unlikely]]
      for (const Tensor* other : inputs)
        if (other->device() == device) fail_on_devices("element-wise pass", *x, *other);
    if (x->is_literal() && (!x->device().is_cuda() || x->dtype() != dtype)) {
      kept.push_back(to_device(cast(*x, dtype), device));
      x = &kept.back();
    }
    source.data = x->raw();
    source.strides = x->layout().expand(shape).strides;
  }
  for (Tensor* out : outputs) pass.targets[size_t(pass.target_count++)] = out ? out->mutable_raw() : nullptr;
  return pass;
}

}  // namespace pf
