#include "tensor/ops/reduce.h"

#include "tensor/ops/arithmetic.h"
#include "tensor/reduction.h"

namespace pf {
namespace detail {

Shape reduced_shape(const Shape& shape, const Axes& axes, bool keepdim, const char* op) {
  const auto flags = axes.flags(shape.rank(), op);
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!flags[i]) out.push_back(shape[i]);
    else if (keepdim) out.push_back(1);
  }
  return out;
}

int64_t reduced_count(const Shape& shape, const Axes& axes, const char* op) {
  const auto flags = axes.flags(shape.rank(), op);
  int64_t n = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (flags[i]) n *= shape[i];
  return n;
}

namespace {
// Of 16-bit numbers in float32, which the caller rounds.
Tensor sum_over(const Tensor& x, const std::array<bool, max_rank>& flags, const Shape& shape, const char* op) {
  if (is_half(x.dtype()) && x.device().is_cuda()) return reduce_on_device(cuda::Reduction::sum, x, flags, shape);
  const Tensor wide = widened(x);
  return dispatch_numeric(wide.dtype(), op, [&]<class T>() { return reduce<Adding, T>(wide, flags, shape); });
}
}  // namespace
}  // namespace detail

Tensor Sum::eval(const Tensor& x) const {
  const Shape shape = detail::reduced_shape(x.shape(), axes, keepdim, name);
  return narrowed(detail::sum_over(x, axes.flags(x.rank(), name), shape, name), x.dtype());
}

Tensor Mean::eval(const Tensor& x) const {
  const int64_t n = detail::reduced_count(x.shape(), axes, name);
  check(n > 0, "mean: ", x.shape(), " has no elements along the reduced axes, so there is no mean");
  const Shape shape = detail::reduced_shape(x.shape(), axes, keepdim, name);
  Tensor out = detail::sum_over(x, axes.flags(x.rank(), name), shape, name);
  if (x.device().is_cuda()) return narrowed(out * (1.0 / double(n)), x.dtype());
  dispatch_floating(out.dtype(), name, [&]<class T>() {
    T* to = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) to[i] *= T(1) / T(n);
  });
  return narrowed(out, x.dtype());
}

Tensor SumTo::eval(const Tensor& x) const {
  Layout::contiguous(shape).expand(x.shape());  // throws where x cannot have been expanded from it
  const int added = x.rank() - shape.rank();
  std::array<bool, max_rank> flags{};
  for (int i = 0; i < x.rank(); ++i) flags[i] = i < added || (shape[i - added] == 1 && x.shape()[i] != 1);
  return narrowed(detail::sum_over(x, flags, shape, name), x.dtype());
}

}  // namespace pf
