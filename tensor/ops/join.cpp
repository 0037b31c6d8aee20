#include "tensor/ops/join.h"

#include "tensor/pointwise.h"
#include "tensor/strided.h"

namespace pf {
namespace {

DType common_dtype_of(const char* op, std::span<const Tensor> x) {
  const Tensor* first = nullptr;
  for (const Tensor& part : x) {
    if (part.is_literal()) continue;
    if (!first) first = &part;
    common_dtype(op, std::array{first, &part});
  }
  return first ? first->dtype() : float64;
}

Device place_of(std::span<const Tensor> x) {
  for (const Tensor& part : x)
    if (!part.is_literal()) return part.device();
  return Device::cpu();
}

}  // namespace

Tensor Concat::eval(std::span<const Tensor> x) const {
  const DType dtype = common_dtype_of(name, x);
  Shape shape = x[0].shape();
  shape[axis] = 0;
  for (const Tensor& part : x) {
    Shape rest = part.shape();
    check(rest.rank() == shape.rank(), "concat: ", x[0].shape(), " and ", rest, " have different numbers of axes");
    shape[axis] += rest[axis];
    rest[axis] = shape[axis];
    check(rest == shape, "concat: ", x[0].shape(), " and ", part.shape(), " along axis ", axis,
          ": the other sizes must agree");
  }
  Tensor out = Tensor::empty(shape, dtype, place_of(x));
  int64_t at = 0;
  for (const Tensor& part : x) {
    const int64_t n = part.shape()[axis];
    assign_strided(as_operand(part, dtype), out, out.layout().slice(axis, at, at + n));
    at += n;
  }
  return out;
}

Tensor Stack::eval(std::span<const Tensor> x) const {
  const DType dtype = common_dtype_of(name, x);
  Shape shape = x[0].shape();
  for (const Tensor& part : x)
    check(part.shape() == shape, "stack: ", shape, " and ", part.shape(), ": expected arrays of one shape");
  shape.insert(axis, int64_t(x.size()));
  Tensor out = Tensor::empty(shape, dtype, place_of(x));
  for (size_t i = 0; i < x.size(); ++i)
    assign_strided(as_operand(x[i], dtype), out, out.layout().select(axis, int64_t(i)));
  return out;
}

}  // namespace pf
