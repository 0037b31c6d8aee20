#include "models/flow/planar.h"

#include <cmath>

#include "tensor/ops/linalg.h"

namespace pf {
namespace {

/// The root of a + c tanh(a + b) − y, for c > −1: Newton's method within a bracket that shrinks around the root.
double root(double y, double b, double c) {
  double low = y - std::abs(c), high = y + std::abs(c), a = y;
  for (int i = 0; i < 200 && high - low > 1e-15 * (1 + std::abs(y)); ++i) {
    const double t = std::tanh(a + b), residual = a + c * t - y;
    if (residual == 0) return a;
    (residual > 0 ? high : low) = a;
    const double next = a - residual / (1 + c * (1 - t * t));
    const double before = a;
    a = next > low && next < high ? next : 0.5 * (low + high);
    if (a == before) return a;
  }
  return a;
}

}  // namespace

PlanarLayer::PlanarLayer(int64_t width, Rng& rng)
    : u_(rng.normal({width, 1}) * (0.1 / std::sqrt(double(width)))),
      w_(rng.normal({width, 1}) * (1.5 / std::sqrt(double(width)))),
      b_(rng.normal({1, 1})) {}

PlanarLayer::Constrained PlanarLayer::constrained() const {
  const Variable product = sum(w_ * u_), slope = softplus(product + std::log(std::exp(1.0) - 1)) - 1.0;
  return {u_ + w_ * ((slope - product) / sum(square(w_))), reshape(slope, {1, 1})};
}

Mapped PlanarLayer::pull(const Variable& x, const Tensor& context) const {
  const auto [u, slope] = constrained();
  const Variable t = tanh(matmul(x, w_) + b_);
  return {x + matmul(t, transpose(u)), sum(log1p((1.0 - square(t)) * slope), -1)};
}

// The root is found on plain values. Each of Newton's steps on variables doubles the number of derivatives that are right.
Mapped PlanarLayer::push(const Variable& z, const Tensor& context) const {
  const auto [u, slope] = constrained();
  const Variable y = matmul(z, w_);
  const double b = b_.item(), c = slope.item();
  std::vector<double> roots = cast(y.value(), float64).to_vector<double>();
  for (double& value : roots) value = root(value, b, c);
  Variable a(cast(tensor(roots, y.shape(), float64), y.dtype()));
  for (int step = 0; step < 2; ++step) {
    const Variable t = tanh(a + b_);
    a = a - (a + slope * t - y) / (1.0 + slope * (1.0 - square(t)));
  }
  const Variable t = tanh(a + b_);
  return {z - matmul(t, transpose(u)), -sum(log1p((1.0 - square(t)) * slope), -1)};
}

}  // namespace pf
