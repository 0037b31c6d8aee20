#include "tensor/device_pass.h"

namespace pf {

Device device_of(std::span<const Tensor* const> inputs) {
  for (const Tensor* x : inputs)
    if (!x->is_literal()) return x->device();
  return Device::cpu();
}

cuda::Backend& backend_of(Device device) {
  cuda::Backend& backend = cuda::backend();
  backend.use(device.index);
  return backend;
}

cuda::Pass device_pass(const Shape& shape, DType dtype, std::span<const Tensor* const> inputs,
                       std::span<Tensor* const> outputs) {
  cuda::Pass pass{.shape = shape, .dtype = dtype};
  for (const Tensor* x : inputs) {
    cuda::Source& source = pass.sources[size_t(pass.source_count++)];
    if (!x->device().is_cuda()) {
      check(x->numel() == 1, "an array of numbers ", x->shape(),
            " among tensors on a GPU; copy it there with to_device");
      source.number = x->item();
      continue;
    }
    source.data = x->raw();
    source.strides = x->layout().expand(shape).strides;
  }
  for (Tensor* out : outputs) pass.targets[size_t(pass.target_count++)] = out ? out->mutable_raw() : nullptr;
  return pass;
}

}  // namespace pf
