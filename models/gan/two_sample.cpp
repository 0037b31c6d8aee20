#include "models/gan/two_sample.h"

#include <cmath>

#include "models/entropic_pairing.h"
#include "models/metrics/mmd.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
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

/// The mean over pairs of a row of x and one of y; of different rows where each pair of rows shares a context.
Variable mean_between(const Variable& values, const Tensor& contexts) {
  if (!contexts.defined()) return mean(values);
  const double n = double(values.size(0));
  return sum(values * Variable(1.0 - eye(values.size(0), values.dtype()))) / (n * (n - 1));
}

Variable mmd(const Variable& x, const Tensor& y, const Tensor& contexts) {
  const double scale = median_distance(y);
  Variable total(0.0);
  for (double h : {0.25, 0.5, 1.0, 2.0, 4.0}) {
    const double factor = -0.5 / (h * h * scale * scale);
    auto kernel = [&](const Variable& a, const Variable& b) {
      const Variable exponent = squared_distances(a, b) * factor;
      return exp(contexts.defined() ? exponent - Variable(contexts * 0.5) : exponent);
    };
    const Variable one = mean_of_pairs(kernel(x, x), 1) + mean_of_pairs(kernel(y, y), 1) -
                         mean_between(kernel(x, Variable(y)), contexts) * 2;
    total = total.value().is_literal() ? one : total + one;
  }
  return total / 5;
}

Variable energy(const Variable& x, const Tensor& y, const Tensor& contexts) {
  constexpr double tiny = 1e-10;  // the root has no derivative at zero, where a point meets itself
  auto distance = [&](const Variable& a, const Variable& b) {
    const Variable squares = squared_distances(a, b) + tiny;
    return sqrt(contexts.defined() ? squares + Variable(contexts) : squares);
  };
  const double at_zero = std::sqrt(tiny);
  return mean_between(distance(x, Variable(y)), contexts) * 2 - mean_of_pairs(distance(x, x), at_zero) -
         mean_of_pairs(distance(y, y), at_zero);
}

/// shift: how far each row's context moves it along each direction; it has no part in the length of a direction.
Variable sliced(const Variable& x, const Tensor& y, const Tensor& directions, const Tensor& shift) {
  const Tensor along = transpose(directions / norm(directions, -1, true));
  Variable a = matmul(x, Variable(along));
  Tensor b = matmul(y, along);
  if (shift.defined()) a = a + Variable(shift), b = b + shift;
  return mean(square(sort(a, 0).values - Variable(sort(b, 0).values)));
}

/// log P of a sample's plan to itself. Its two potentials are one, so half a step at a time converges quickly (Feydy et al. 2019,
/// arXiv 1810.08278, section 3.1).
Tensor log_plan_to_itself(const Tensor& x, double epsilon, int64_t iterations, double tolerance) {
  const Tensor kernel = squared_distances(Variable(x), Variable(x)).value() * (-1 / epsilon);
  const double log_n = std::log(double(x.size(0)));
  Tensor f = zeros({x.size(0), 1}, x.dtype());
  for (int64_t i = 0; i < iterations; ++i) {
    const Tensor change = (logsumexp(kernel + transpose(f), 1, true) + f + log_n) * -0.5;
    f = f + change;
    if (max(abs(change)).item() < tolerance) break;
  }
  return kernel + f + transpose(f);
}

/// OT_ε(x, y) = Σ P (c + ε log(P / ab)) for uniform weights a, b; as a function of the points, with the best plan P held still.
Variable entropic_cost(const Variable& x, const Variable& y, const Tensor& log_plan, double epsilon) {
  const Tensor plan = exp(log_plan);
  const double log_pairs = std::log(double(x.size(0)) * double(y.size(0)));
  return sum(squared_distances(x, y) * Variable(plan)) + sum(plan * (log_plan + log_pairs)).item() * epsilon;
}

}  // namespace

Tensor context_distances(const Tensor& context, int64_t n, double scale, DType dtype) {
  if (!context.defined() || context.size(0) == 1) return {};
  check(context.size(0) == n, "gan: ", context.size(0), " contexts for ", n, " points: expected as many");
  const Variable scaled(cast(context, dtype) * scale);
  return squared_distances(scaled, scaled).value();
}

Variable sinkhorn_divergence(const Variable& x, const Tensor& y, double epsilon) {
  // The derivative is as good as the plans: in float64 as far as the type allows, in training to a hundredth of each weight.
  const bool fine = x.dtype() == float64;
  const int64_t iterations = fine ? 10000 : 100;
  const double tolerance = fine ? 1e-11 : 1e-2;
  const Variable fixed(y);
  const auto to_itself = [&](const Variable& a) {
    return entropic_cost(a, a, log_plan_to_itself(a.value(), epsilon, iterations, tolerance), epsilon);
  };
  const Variable between =
      entropic_cost(x, fixed, log_entropic_plan(x.value(), y, epsilon, iterations, tolerance), epsilon);
  return between - (to_itself(x) + to_itself(fixed)) * 0.5;
}

std::string TwoSampleLoss::name() const {
  constexpr const char* names[] = {"squared maximum mean discrepancy", "energy distance", "squared sliced W2",
                                   "Sinkhorn divergence"};
  return names[int(distance_)];
}

Variable TwoSampleLoss::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  check(n >= 2, "gan: a batch of ", n, " row: a distance between samples needs at least 2");
  const Variable x = generator_.push(generator_.base().sample(n, rng, batch.dtype()), context);
  const Tensor contexts = context_distances(context, n, options_.context_scale, batch.dtype());
  const Tensor rows = contexts.defined() ? cast(context, batch.dtype()) * options_.context_scale : Tensor();
  switch (distance_) {
    case TwoSample::mmd:
      return mmd(x, batch, contexts);
    case TwoSample::energy:
      return energy(x, batch, contexts);
    case TwoSample::sliced: {
      const Tensor directions = rng.normal({options_.directions, batch.size(1)}, batch.dtype());
      if (!rows.defined()) return sliced(x, batch, directions, {});
      return sliced(x, batch, directions, matmul(rows, rng.normal({rows.size(1), options_.directions}, batch.dtype())));
    }
    case TwoSample::sinkhorn:
      if (!rows.defined()) return sinkhorn_divergence(x, batch, options_.epsilon);
      return sinkhorn_divergence(concat({x, Variable(rows)}, 1), concat({batch, rows}, 1), options_.epsilon);
  }
  fail("gan: unknown distance ", int(distance_));
}

}  // namespace pf
