#include "tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/strided.h"

namespace pf {

Tensor::Tensor(double literal) : Tensor(empty({}, float64)) {
  *mutable_data<double>() = literal;
  literal_ = true;
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  for (int64_t size : shape) check(size >= 0, "empty: ", shape, ": sizes must not be negative");
  double bytes = double(size_of(dtype));
  for (int64_t size : shape) bytes *= double(size);
  check(bytes < 7e13, "out of memory: a tensor ", shape, " of ", dtype, " asks for ", bytes / 1099511627776.0, " TiB");
  return Tensor(Storage::allocate(size_t(bytes), device), Layout::contiguous(shape), dtype);
}

double Tensor::item() const {
  check(numel() == 1, "item: ", shape(), " has ", numel(), " elements: expected exactly one");
  return dispatch(dtype_, [&]<class T>() { return double(*data<T>()); });
}

double Tensor::at(const Shape& index) const {
  check(index.rank() == rank(), "at: index ", index, " into ", shape(), ": expected ", rank(), " positions");
  Layout place = layout_;
  for (int64_t i : index) place = place.select(0, i);
  return view(place).item();
}

template <class T> std::vector<T> Tensor::to_vector() const {
  Tensor flat = contiguous(*this);
  const T* first = flat.data<T>();
  return std::vector<T>(first, first + numel());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  dispatch(dtype, [&]<class T>() { std::fill_n(out.mutable_data<T>(), out.numel(), T(value)); });
  return out;
}
Tensor zeros(const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  std::memset(out.mutable_raw(), 0, size_t(out.numel() * size_of(dtype)));
  return out;
}
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype()); }

namespace {
template <class F> Tensor generate(int64_t n, DType dtype, F&& element) {
  Tensor out = Tensor::empty({n}, dtype);
  dispatch(dtype, [&]<class T>() {
    T* data = out.mutable_data<T>();
    for (int64_t i = 0; i < n; ++i) data[i] = T(element(i));
  });
  return out;
}
}  // namespace

Tensor arange(double start, double stop, double step, DType dtype) {
  check(step != 0, "arange: step 0: expected a positive or negative step");
  const double n = std::ceil((stop - start) / step);
  return generate(n > 0 ? int64_t(n) : 0, dtype, [&](int64_t i) { return start + double(i) * step; });
}

Tensor linspace(double first, double last, int64_t count, DType dtype) {
  check(count >= 1, "linspace: ", count, " numbers: expected at least 1");
  const double step = count > 1 ? (last - first) / double(count - 1) : 0;
  return generate(count, dtype,
                  [&](int64_t i) { return i + 1 == count && count > 1 ? last : first + double(i) * step; });
}

Tensor eye(int64_t n, DType dtype) {
  Tensor out = zeros({n, n}, dtype);
  dispatch(dtype, [&]<class T>() {
    for (int64_t i = 0; i < n; ++i) out.mutable_data<T>()[i * (n + 1)] = T(1);
  });
  return out;
}

Tensor tensor(const std::vector<double>& values, const Shape& shape, DType dtype) {
  check(shape.numel() == int64_t(values.size()), "tensor: ", values.size(), " numbers for the shape ", shape);
  Tensor flat = generate(int64_t(values.size()), dtype, [&](int64_t i) { return values[size_t(i)]; });
  return flat.view(Layout::contiguous(shape));
}
Tensor tensor(const std::vector<double>& values, DType dtype) {
  return tensor(values, {int64_t(values.size())}, dtype);
}

template <class T> Tensor from_span(std::span<const T> values, const Shape& shape) {
  check(shape.numel() == int64_t(values.size()), "from_span: ", values.size(), " numbers for the shape ", shape);
  Tensor out = Tensor::empty(shape, dtype_of<T>());
  if (!values.empty()) std::memcpy(out.mutable_raw(), values.data(), values.size_bytes());
  return out;
}
template Tensor from_span(std::span<const float>, const Shape&);
template Tensor from_span(std::span<const double>, const Shape&);
template Tensor from_span(std::span<const int64_t>, const Shape&);

Tensor copy(const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  copy_strided(x, out.mutable_raw());
  return out;
}

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : copy(x); }

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype && !x.is_literal()) return x;
  const Tensor from = contiguous(x);
  Tensor out = Tensor::empty(x.shape(), dtype, x.device());
  const int64_t n = x.numel();
  dispatch(x.dtype(), [&]<class S>() {
    dispatch(dtype, [&]<class T>() {
      const S* source = from.data<S>();
      T* target = out.mutable_data<T>();
      for (int64_t i = 0; i < n; ++i) target[i] = T(source[i]);
    });
  });
  return out;
}

}  // namespace pf
