#include "tensor/ops/index.h"

#include <cstring>

#include "tensor/device_pass.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

// An array seen as [outer, n, inner] around one axis.
struct Around {
  int64_t outer = 1, n, inner = 1;
  Around(const Shape& shape, int axis) : n(shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

// The index in row-major order, every position checked.
Tensor checked(const char* op, const Tensor& index, int64_t n, int axis, const Tensor& x, const Shape& shape) {
  check(index.defined() && index.dtype() == int64, op, ": the index is ", index.dtype(),
        ": expected int64; convert with cast(index, int64)");
  check_same_device(op, x, index);
  Tensor out = contiguous(index);
  if (out.device().is_cuda()) return out;  // the kernel checks, and complains when something is read back
  const int64_t* at = out.data<int64_t>();
  for (int64_t i = 0; i < out.numel(); ++i)
    check(at[i] >= 0 && at[i] < n, op, ": index ", at[i], " (number ", i, " of the index) on axis ", axis, " of ",
          shape, ": expected 0 to ", n - 1);
  return out;
}

void check_agree(const char* op, const Shape& x, const Shape& index, int axis) {
  bool agree = x.rank() == index.rank();
  for (int i = 0; agree && i < x.rank(); ++i) agree = i == axis || x[i] == index[i];
  check(agree, op, ": ", x, " and an index ", index, " along axis ", axis,
        ": they must agree on all other axes; expand the index or slice the array");
}

void check_list(const char* op, const Tensor& index) {
  check(index.rank() == 1, op, ": an index of shape ", index.shape(), ": expected one axis");
}

const int64_t* positions(const Tensor& index) { return static_cast<const int64_t*>(index.raw()); }

Tensor read_from(const Tensor& x, DType dtype) { return contiguous(x.is_literal() ? cast(x, dtype) : x); }

}  // namespace

Tensor Gather::eval(const Tensor& x) const {
  check_agree(name, x.shape(), index.shape(), axis);
  const Around size(x.shape(), axis), to_size(index.shape(), axis);
  const Tensor from = contiguous(x), at = checked(name, index, size.n, axis, x, x.shape());
  Tensor out = Tensor::empty(index.shape(), x.dtype(), x.device());
  if (x.device().is_cuda()) {
    if (out.numel() > 0)
      backend_of(x).gather(size_t(size_of(x.dtype())), from.raw(), {size.outer, size.n, size.inner}, positions(at),
                           to_size.n, out.mutable_raw());
    return out;
  }
  dispatch(x.dtype(), [&]<class T>() {
    const T* source = from.data<T>();
    const int64_t* position = at.data<int64_t>();
    T* target = out.mutable_data<T>();
    for (int64_t o = 0; o < size.outer; ++o, source += size.n * size.inner)
      for (int64_t i = 0; i < to_size.n; ++i)
        for (int64_t k = 0; k < size.inner; ++k) *target++ = source[*position++ * size.inner + k];
  });
  return out;
}

Tensor ScatterAdd::eval(const Tensor& x) const {
  check_agree(name, shape, index.shape(), axis);
  check(x.shape() == index.shape(), "scatter_add: ", x.shape(), " with an index ", index.shape(),
        ": expected one shape");
  const Around size(shape, axis), from_size(index.shape(), axis);
  const Tensor from = read_from(x, float64), at = checked(name, index, size.n, axis, x, shape);
  Tensor out = zeros(shape, from.dtype(), from.device());
  if (from.device().is_cuda()) {
    if (from.numel() > 0)
      backend_of(from).scatter_add(from.dtype(), from.raw(), {size.outer, size.n, size.inner}, positions(at),
                                   from_size.n, out.mutable_raw());
    return out;
  }
  dispatch_numeric(from.dtype(), name, [&]<class T>() {
    const T* source = from.data<T>();
    const int64_t* position = at.data<int64_t>();
    T* target = out.mutable_data<T>();
    for (int64_t o = 0; o < size.outer; ++o, target += size.n * size.inner)
      for (int64_t i = 0; i < from_size.n; ++i)
        for (int64_t k = 0; k < size.inner; ++k) target[*position++ * size.inner + k] += *source++;
  });
  return out;
}

Tensor IndexSelect::eval(const Tensor& x) const {
  check_list(name, index);
  const Around size(x.shape(), axis);
  const Tensor from = contiguous(x), at = checked(name, index, size.n, axis, x, x.shape());
  Shape shape = x.shape();
  shape[axis] = index.numel();
  Tensor out = Tensor::empty(shape, x.dtype(), x.device());
  if (x.device().is_cuda()) {
    if (out.numel() > 0)
      backend_of(x).index_select(size_t(size_of(x.dtype())), from.raw(), {size.outer, size.n, size.inner},
                                 positions(at), index.numel(), out.mutable_raw());
    return out;
  }
  const size_t row = size_t(size.inner * size_of(x.dtype()));
  auto* target = static_cast<std::byte*>(out.mutable_raw());
  const auto* source = static_cast<const std::byte*>(from.raw());
  const int64_t* position = at.data<int64_t>();
  for (int64_t o = 0; o < size.outer; ++o, source += size_t(size.n) * row)
    for (int64_t i = 0; i < index.numel(); ++i, target += row)
      std::memcpy(target, source + size_t(position[i]) * row, row);
  return out;
}

Tensor IndexAdd::eval(const Tensor& x) const {
  check_list(name, index);
  Shape expected = shape;
  expected[axis] = index.numel();
  check(x.shape() == expected, "index_add: ", x.shape(), " into ", shape, " with ", index.numel(),
        " positions of axis ", axis, ": expected ", expected);
  const Around size(shape, axis);
  const Tensor from = read_from(x, float64), at = checked(name, index, size.n, axis, x, shape);
  Tensor out = zeros(shape, from.dtype(), from.device());
  if (from.device().is_cuda()) {
    if (from.numel() > 0)
      backend_of(from).index_add(from.dtype(), from.raw(), {size.outer, size.n, size.inner}, positions(at),
                                 index.numel(), out.mutable_raw());
    return out;
  }
  dispatch_numeric(from.dtype(), name, [&]<class T>() {
    const T* source = from.data<T>();
    const int64_t* position = at.data<int64_t>();
    T* target = out.mutable_data<T>();
    for (int64_t o = 0; o < size.outer; ++o, target += size.n * size.inner)
      for (int64_t i = 0; i < index.numel(); ++i) {
        T* row = target + position[i] * size.inner;
        for (int64_t k = 0; k < size.inner; ++k) row[k] += source[k];
        source += size.inner;
      }
  });
  return out;
}

Tensor one_hot(const Tensor& index, int64_t classes, DType dtype) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=](const Tensor& in) { return one_hot(in, classes, dtype); }, index);
  Shape shape = index.shape();
  shape.push_back(classes);
  const Tensor at = checked("one_hot", index, classes, shape.rank() - 1, index, shape);
  if (index.device().is_cuda()) {
    const UseDevice on(index.device());
    const Tensor each = arange(0, double(classes), 1, int64);
    return cast(equal(unsqueeze(index, -1), each), dtype);
  }
  Tensor out = zeros(shape, dtype, Device::cpu());
  dispatch(dtype, [&]<class T>() {
    T* target = out.mutable_data<T>();
    for (int64_t i = 0; i < at.numel(); ++i) target[i * classes + at.data<int64_t>()[i]] = T(1);
  });
  return out;
}

}  // namespace pf
