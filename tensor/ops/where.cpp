#include "tensor/ops/where.h"

#include "tensor/device_pass.h"
#include "tensor/pointwise.h"

namespace pf {
namespace {

template <class T> void choose(int64_t n, const void* const* in, void* out) {
  const bool* condition = static_cast<const bool*>(in[0]);
  const T* a = static_cast<const T*>(in[1]);
  const T* b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

}  // namespace

Tensor Where::eval(const Tensor& a, const Tensor& b) const {
  check(condition.defined() && condition.dtype() == boolean, name, ": the condition is ", condition.dtype(), " ",
        condition.shape(), ": expected bool; not_equal(x, 0) makes one");
  const Tensor* operands[] = {&a, &b};
  const DType dtype = common_dtype(name, operands);
  for (const Tensor* x : operands) check_same_device(name, condition, *x);
  if (const Device device = condition.device(); device.is_cuda()) {
    Tensor out =
        Tensor::empty(broadcast(broadcast(a.shape(), b.shape(), name), condition.shape(), name), dtype, device);
    const Tensor* inputs[] = {&condition, &a, &b};
    std::vector<Tensor> kept;
    if (out.numel() > 0)
      backend_of(out).elementwise(cuda::Elementwise::where,
                                  device_pass(out.shape(), dtype, inputs, std::array{&out}, kept));
    return a.is_literal() && b.is_literal() ? Tensor::literal(std::move(out)) : out;
  }
  const Tensor left = as_operand(a, dtype), right = as_operand(b, dtype);
  Tensor out = Tensor::empty(broadcast(broadcast(a.shape(), b.shape(), name), condition.shape(), name), dtype);
  PointwisePass pass{.shape = out.shape()};
  pass.read(condition);
  pass.read(left);
  pass.read(right);
  pass.write(out.mutable_raw(), dtype);
  run_pass(pass, [dtype](int64_t n, const void* const* in, void* const* y) {
    // Which bits are moved depends on the size of an element alone.
    if (size_of(dtype) == 1) choose<uint8_t>(n, in, y[0]);
    else if (size_of(dtype) == 2) choose<uint16_t>(n, in, y[0]);
    else if (size_of(dtype) == 4) choose<uint32_t>(n, in, y[0]);
    else choose<uint64_t>(n, in, y[0]);
  });
  return a.is_literal() && b.is_literal() ? Tensor::literal(std::move(out)) : out;
}

}  // namespace pf
