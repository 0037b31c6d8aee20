#include "nn/init.h"

#include <algorithm>
#include <cmath>

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// Starting values have the same bits on every device: they are made on the CPU.
template <class Make> Tensor on_default_device(const Make& make) {
  const auto made = [&] {
    const UseDevice here(Device::cpu());
    return make();
  };
  return to_device(made(), default_device());
}

}  // namespace

Fan fan_of(const Shape& weight) {
  check(weight.rank() >= 2, "init: a weight ", weight, " has no fan-in: expected [out, in] or [out, in, kernel…]");
  double kernel = 1;
  for (int i = 2; i < weight.rank(); ++i) kernel *= double(weight[i]);
  return {double(weight[1]) * kernel, double(weight[0]) * kernel};
}

Tensor uniform_within(double bound, const Shape& shape, Rng& rng, DType dtype) {
  return on_default_device([&] { return (rng.uniform(shape, dtype) - 0.5) * (2 * bound); });
}

Tensor normal_around_zero(double sigma, const Shape& shape, Rng& rng, DType dtype) {
  return on_default_device([&] { return rng.normal(shape, dtype) * sigma; });
}

namespace {
double deviation(double gain, double fan) { return fan > 0 ? gain / std::sqrt(fan) : 0; }
Tensor uniform_of(double sigma, const Shape& shape, Rng& rng, DType dtype) {
  return uniform_within(sigma * std::sqrt(3.0), shape, rng, dtype);
}
Tensor normal_of(double sigma, const Shape& shape, Rng& rng, DType dtype) {
  return normal_around_zero(sigma, shape, rng, dtype);
}
double xavier_deviation(const Shape& shape, double gain) {
  const Fan fan = fan_of(shape);
  return deviation(gain, (fan.in + fan.out) / 2);
}
}  // namespace

Tensor kaiming_uniform(const Shape& shape, Rng& rng, double gain, DType dtype) {
  return uniform_of(deviation(gain, fan_of(shape).in), shape, rng, dtype);
}
Tensor kaiming_normal(const Shape& shape, Rng& rng, double gain, DType dtype) {
  return normal_of(deviation(gain, fan_of(shape).in), shape, rng, dtype);
}
Tensor lecun_uniform(const Shape& shape, Rng& rng, DType dtype) { return kaiming_uniform(shape, rng, 1, dtype); }
Tensor lecun_normal(const Shape& shape, Rng& rng, DType dtype) { return kaiming_normal(shape, rng, 1, dtype); }
Tensor xavier_uniform(const Shape& shape, Rng& rng, double gain, DType dtype) {
  return uniform_of(xavier_deviation(shape, gain), shape, rng, dtype);
}
Tensor xavier_normal(const Shape& shape, Rng& rng, double gain, DType dtype) {
  return normal_of(xavier_deviation(shape, gain), shape, rng, dtype);
}

// Gram–Schmidt on random normal rows, each projected twice: the second time removes what rounding left of the first.
Tensor orthogonal(const Shape& shape, Rng& rng, double gain, DType dtype) {
  check(shape.rank() >= 2, "orthogonal: ", shape, " is no matrix: expected [out, in] or [out, in, kernel…]");
  const int64_t out = shape[0], in = out > 0 ? shape.numel() / out : 0;
  const int64_t count = std::min(out, in), length = std::max(out, in);
  const Device device = default_device();
  const UseDevice here(Device::cpu());
  Tensor rows = rng.normal({count, length}, float64);
  double* q = rows.mutable_data<double>();
  for (int64_t i = 0; i < count; ++i) {
    double* row = q + i * length;
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        const double* earlier = q + j * length;
        double product = 0;
        for (int64_t k = 0; k < length; ++k) product += row[k] * earlier[k];
        for (int64_t k = 0; k < length; ++k) row[k] -= product * earlier[k];
      }
    double square = 0;
    for (int64_t k = 0; k < length; ++k) square += row[k] * row[k];
    for (int64_t k = 0; k < length; ++k) row[k] /= std::sqrt(square);
  }
  return to_device(cast(contiguous(reshape(out <= in ? rows : transpose(rows), shape)) * gain, dtype), device);
}

}  // namespace pf
