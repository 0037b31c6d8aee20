#include "tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/device_pass.h"
#include "tensor/recording.h"
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

void Tensor::fail_not_here() const {
  fail("data: ", dtype_, " ", shape(), " is on ", device(),
       ", where the processor cannot read it; copy it with to_device(x, Device::cpu())");
}

double Tensor::item() const {
  check(numel() == 1, "item: ", shape(), " has ", numel(), " elements: expected exactly one");
  if (device().is_cuda()) return to_device(*this, Device::cpu()).item();
  return dispatch(dtype_, [&]<class T>() { return double(*data<T>()); });
}

double Tensor::at(const Shape& index) const {
  check(index.rank() == rank(), "at: index ", index, " into ", shape(), ": expected ", rank(), " positions");
  Layout place = layout_;
  for (int64_t i : index) place = place.select(0, i);
  return view(place).item();
}

template <class T> std::vector<T> Tensor::to_vector() const {
  const Tensor flat = to_device(contiguous(*this), Device::cpu());
  const T* first = flat.data<T>();
  return std::vector<T>(first, first + numel());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;
template std::vector<BFloat16> Tensor::to_vector() const;
template std::vector<Float16> Tensor::to_vector() const;

// A kernel like others: who made the numbers may have them added to in their place.
Tensor full(const Shape& shape, double value, DType dtype, Device device) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=] { return full(shape, value, dtype, device); });
  Tensor out = Tensor::empty(shape, dtype, device);
  if (out.device().is_cuda()) {
    if (out.numel() > 0) backend_of(out).fill(out.mutable_raw(), out.numel(), dtype, value);
    return out;
  }
  dispatch(dtype, [&]<class T>() { std::fill_n(out.mutable_data<T>(), out.numel(), T(value)); });
  return out;
}
Tensor zeros(const Shape& shape, DType dtype, Device device) {
  if (device.is_cuda() || detail::watching) return full(shape, 0, dtype, device);
  Tensor out = Tensor::empty(shape, dtype);
  std::memset(out.mutable_raw(), 0, size_t(out.numel() * size_of(dtype)));
  return out;
}
Tensor ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype(), x.device()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype(), x.device()); }

namespace {
template <class F> Tensor generate(int64_t n, DType dtype, F&& element) {
  Tensor out = Tensor::empty({n}, dtype);
  dispatch(dtype, [&]<class T>() {
    T* data = out.mutable_data<T>();
    for (int64_t i = 0; i < n; ++i) data[i] = T(element(i));
  });
  return to_device(out, default_device());
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
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=] { return eye(n, dtype); });
  if (default_device().is_cuda()) {
    Tensor out = zeros({n, n}, dtype);
    const Tensor one = ones({n}, dtype);
    assign_strided(one, out, Layout{{n}, {n + 1}, 0});
    return out;
  }
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
  return to_device(out, default_device());
}
template Tensor from_span(std::span<const float>, const Shape&);
template Tensor from_span(std::span<const double>, const Shape&);
template Tensor from_span(std::span<const int64_t>, const Shape&);
template Tensor from_span(std::span<const BFloat16>, const Shape&);
template Tensor from_span(std::span<const Float16>, const Shape&);

Tensor copy(const Tensor& x) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([](const Tensor& in) { return copy(in); }, x);
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  assign_strided(x, out, out.layout());
  return out;
}

Tensor to_device(const Tensor& x, Device device) {
  if (x.device() == device) return x;
  if (detail::watching && x.device().is_cuda()) [[unlikely]]
    detail::Recording::refuse(join("it copies ", x.dtype(), " ", x.shape(), " from the GPU"));
  const Tensor from = contiguous(x);
  Tensor out = Tensor::empty(x.shape(), x.dtype(), device);
  const size_t bytes = size_t(x.numel() * size_of(x.dtype()));
  if (bytes == 0) return out;
  if (x.device().is_cuda() && device.is_cuda()) return to_device(to_device(from, Device::cpu()), device);
  if (device.is_cuda()) backend_of(device).upload(out.mutable_raw(), from.raw(), bytes);
  else backend_of(from).download(out.mutable_raw(), from.raw(), bytes);
  return out;
}

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : copy(x); }

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype && !x.is_literal()) return x;
  if (detail::watching) [[unlikely]]
    return detail::watching->run([dtype](const Tensor& in) { return cast(in, dtype); }, x);
  if (x.device().is_cuda()) {
    Tensor out = Tensor::empty(x.shape(), dtype, x.device());
    if (x.numel() > 0)
      backend_of(x).copy(x.shape(), out.mutable_raw(), out.strides(), dtype, x.raw(), x.strides(), x.dtype());
    return out;
  }
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
