#pragma once
// Element-wise passes on a GPU: from tensors to what its kernels take.

#include <span>
#include <string_view>

#include "tensor/cuda_backend.h"
#include "tensor/tensor.h"

namespace pf {

/// Where an operation on these runs: on a GPU if one of them is there; then the others are there as well, or numbers.
Device device_of(std::span<const Tensor* const> inputs);

/// Throws, naming both devices and the copy to write, unless both are on one device. Numbers of a formula are everywhere.
void check_same_device(std::string_view op, const Tensor& a, const Tensor& b);

/// The backend, set to this device.
cuda::Backend& backend_of(Device device);
inline cuda::Backend& backend_of(const Tensor& x) { return backend_of(x.device()); }

/// Inputs broadcast to the shape (numbers stay numbers), and row-major outputs of that shape, undefined where not wanted.
/// `kept` holds copies of inputs that had to be made, arrays of numbers from a formula, until the pass is launched.
cuda::Pass device_pass(const Shape& shape, DType dtype, std::span<const Tensor* const> inputs,
                       std::span<Tensor* const> outputs, std::vector<Tensor>& kept);

}  // namespace pf
