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

PlanarDirection invertible_direction(const Variable& u, const Variable& w) {
  const Variable product = sum(w * u, -1, true), slope = softplus(product + std::log(std::exp(1.0) - 1)) - 1.0;
  return {u + w * ((slope - product) / sum(square(w), -1, true)), slope};
}

PlanarLayer::PlanarLayer(int64_t width, Rng& rng, int64_t context, int64_t hidden)
    : u_(rng.normal({width, 1}) * (0.1 / std::sqrt(double(width)))),
      w_(rng.normal({width, 1}) * (1.5 / std::sqrt(double(width)))),
      b_(rng.normal({1, 1})) {
  if (context > 0) given_.emplace(std::vector{context, hidden, 2 * width + 1}, rng, MlpOptions{.final_gain = 0.1});
}

PlanarLayer::Constrained PlanarLayer::constrained(const Tensor& context) const {
  Variable u = transpose(u_), w = transpose(w_), b = b_;
  if (given_) {
    const int64_t d = u.size(1);
    const Variable added = (*given_)(Variable(context));
    u = u + slice(added, 1, 0, d);
    w = w + slice(added, 1, d, 2 * d);
    b = b + slice(added, 1, 2 * d);
  }
  const auto [direction, slope] = invertible_direction(u, w);
  return {direction, w, b, slope};
}

Mapped PlanarLayer::pull(const Variable& x, const Tensor& context) const {
  const auto [u, w, b, slope] = constrained(context);
  const Variable t = tanh(sum(x * w, 1, true) + b);
  return {x + t * u, sum(log1p((1.0 - square(t)) * slope), -1)};
}

// The root is found on plain values. Each of Newton's steps on variables doubles the number of derivatives that are right.
Mapped PlanarLayer::push(const Variable& z, const Tensor& context) const {
  const auto [u, w, b, slope] = constrained(context);
  const Variable y = sum(z * w, 1, true);
  const auto numbers = [](const Variable& x) { return cast(x.value(), float64).to_vector<double>(); };
  const std::vector<double> biases = numbers(b), slopes = numbers(slope);
  std::vector<double> roots = numbers(y);
  const size_t each = biases.size() > 1;
  for (size_t i = 0; i < roots.size(); ++i) roots[i] = root(roots[i], biases[i * each], slopes[i * each]);
  Variable a(cast(tensor(roots, y.shape(), float64), y.dtype()));
  for (int step = 0; step < 2; ++step) {
    const Variable t = tanh(a + b);
    a = a - (a + slope * t - y) / (1.0 + slope * (1.0 - square(t)));
  }
  const Variable t = tanh(a + b);
  return {z - t * u, -sum(log1p((1.0 - square(t)) * slope), -1)};
}

}  // namespace pf
