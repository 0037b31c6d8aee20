#include "models/gan/two_sample.h"

#include <cmath>

#include "models/metrics/mmd.h"
#include "models/squared_distances.h"
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
  const Tensor scale = median_distance_there(y);
  Variable total(0.0);
  for (double h : {0.25, 0.5, 1.0, 2.0, 4.0}) {
    const Variable factor(cast(-0.5 / (h * h * scale * scale), y.dtype()));
    auto kernel = [&](const Variable& a, const Variable& b) {
      const Variable exponent = squared_distances_by_product(a, b) * factor;
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
    const Variable squares = squared_distances_by_product(a, b) + tiny;
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

/// OT_ε(x, y) = Σ P (c + ε log(P / ab)) for uniform weights a, b; as a function of the points, with the best plan P held still.
Variable entropic_cost(const Variable& x, const Variable& y, const EntropicPlan& of) {
  const Tensor plan = exp(of.log_plan);
  const double log_pairs = std::log(double(x.size(0)) * double(y.size(0)));
  return sum(squared_distances_by_product(x, y) * Variable(plan)) +
         Variable(sum(plan * (of.log_plan + log_pairs)) * of.epsilon);
}

}  // namespace

Tensor context_distances(const Tensor& context, int64_t n, double scale, DType dtype) {
  if (!context.defined() || context.size(0) == 1) return {};
  check(context.size(0) == n, "gan: ", context.size(0), " contexts for ", n, " points: expected as many");
  const Variable scaled(cast(context, dtype) * scale);
  return squared_distances_by_product(scaled, scaled).value();
}

SinkhornPlans sinkhorn_plans(const Tensor& x, const Tensor& y, double epsilon) {
  // The derivative is as good as the plans: in float64 as far as the type allows, in training to a hundredth of each weight.
  const bool fine = x.dtype() == float64;
  const int64_t iterations = fine ? 10000 : 100;
  const double tolerance = fine ? 1e-11 : 1e-2;
  return {entropic_plan(x, y, epsilon, iterations, tolerance),
          entropic_plan_to_itself(x, epsilon, iterations, tolerance),
          entropic_plan_to_itself(y, epsilon, iterations, tolerance)};
}

const EntropicPlan& SinkhornPlans::worst() const {
  const EntropicPlan* worst = &between;
  for (const EntropicPlan* plan : {&of_x, &of_y})
    if (plan->off > worst->off) worst = plan;
  return *worst;
}

Variable sinkhorn_divergence(const Variable& x, const Tensor& y, const SinkhornPlans& plans) {
  const Variable fixed(y);
  return entropic_cost(x, fixed, plans.between) -
         (entropic_cost(x, x, plans.of_x) + entropic_cost(fixed, fixed, plans.of_y)) * 0.5;
}

Variable sinkhorn_divergence(const Variable& x, const Tensor& y, double epsilon) {
  const SinkhornPlans plans = sinkhorn_plans(x.value(), y, epsilon);
  check(plans.worst().converged(), plans.worst().complaint());
  return sinkhorn_divergence(x, y, plans);
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
    case TwoSample::sinkhorn: {
      const Variable from = rows.defined() ? concat({x, Variable(rows)}, 1) : x;
      const Tensor to = rows.defined() ? concat({batch, rows}, 1) : batch;
      // Plans that miss their tolerance do not end a training; the vital signs tell of them.
      return sinkhorn_divergence(from, to, sinkhorn_plans(from.value(), to, options_.epsilon));
    }
  }
  fail("gan: unknown distance ", int(distance_));
}

std::vector<VitalSign> TwoSampleLoss::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  if (distance_ != TwoSample::sinkhorn) return {};
  const int64_t n = batch.size(0);
  Tensor x = generator_.push(Variable(generator_.base().sample(n, rng, batch.dtype())), context).value(), y = batch;
  if (context.defined() && context.size(0) > 1) {
    const Tensor rows = cast(context, batch.dtype()) * options_.context_scale;
    x = concat({x, rows}, 1), y = concat({y, rows}, 1);
  }
  return {plan_sign(sinkhorn_plans(x, y, options_.epsilon).worst())};
}

}  // namespace pf
