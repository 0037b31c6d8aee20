#include "models/gan/two_sample.h"

#include <cmath>

#include "models/metrics/mmd.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/sort.h"

namespace pf {
namespace {

/// ‖xᵢ − yⱼ‖² for all pairs.
Variable squared_distances(const Variable& x, const Variable& y) {
  const Variable a = sum(square(x), -1, true), b = transpose(sum(square(y), -1, true));
  return relu(a + b - matmul(x, transpose(y)) * 2);  // rounding may leave a little below zero
}

/// The mean over pairs of different rows of f(‖xᵢ − xⱼ‖²), whose diagonal is n·f(0).
Variable mean_of_pairs(const Variable& values, double at_zero) {
  const double n = double(values.size(0));
  return (sum(values) - n * at_zero) / (n * (n - 1));
}

Variable mmd(const Variable& x, const Tensor& y) {
  const double scale = median_distance(y);
  Variable total(0.0);
  for (double h : {0.25, 0.5, 1.0, 2.0, 4.0}) {
    const double factor = -0.5 / (h * h * scale * scale);
    auto kernel = [&](const Variable& a, const Variable& b) { return exp(squared_distances(a, b) * factor); };
    const Variable one =
        mean_of_pairs(kernel(x, x), 1) + mean_of_pairs(kernel(y, y), 1) - mean(kernel(x, Variable(y))) * 2;
    total = total.value().is_literal() ? one : total + one;
  }
  return total / 5;
}

Variable energy(const Variable& x, const Tensor& y) {
  constexpr double tiny = 1e-10;  // the root has no derivative at zero, where a point meets itself
  auto distance = [&](const Variable& a, const Variable& b) { return sqrt(squared_distances(a, b) + tiny); };
  const double at_zero = std::sqrt(tiny);
  return mean(distance(x, Variable(y))) * 2 - mean_of_pairs(distance(x, x), at_zero) -
         mean_of_pairs(distance(y, y), at_zero);
}

Variable sliced(const Variable& x, const Tensor& y, const Tensor& directions) {
  const Tensor along = transpose(directions / norm(directions, -1, true));
  return mean(square(sort(matmul(x, Variable(along)), 0).values - Variable(sort(matmul(y, along), 0).values)));
}

}  // namespace

std::string TwoSampleLoss::name() const {
  constexpr const char* names[] = {"squared maximum mean discrepancy", "energy distance", "squared sliced W2"};
  return names[int(distance_)];
}

Variable TwoSampleLoss::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  check(batch.size(0) >= 2, "gan: a batch of ", batch.size(0), " row: a distance between samples needs at least 2");
  const Variable x = generator_.push(generator_.base().sample(batch.size(0), rng, batch.dtype()));
  switch (distance_) {
    case TwoSample::mmd:
      return mmd(x, batch);
    case TwoSample::energy:
      return energy(x, batch);
    case TwoSample::sliced:
      return sliced(x, batch, rng.normal({directions_, batch.size(1)}, batch.dtype()));
  }
  fail("gan: unknown distance ", int(distance_));
}

}  // namespace pf
