#include "models/flow_matching/stochastic_interpolant.h"

#include <algorithm>
#include <cmath>

#include "models/loss_by_level.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// What moves points, apart from fresh noise.
Variable drift(const InterpolantAt& answers, const Variable& x, double t, double sigma, double diffusion) {
  const InterpolantAnswer at = answers(x, t);
  return at.velocity + at.score * (diffusion - 0.5 * sigma * sigma * (1 - 2 * t));
}

}  // namespace

VelocityAt probability_flow(const InterpolantAt& answers, double sigma) {
  return [answers, sigma](const Variable& x, double t) { return drift(answers, x, t, sigma, 0); };
}

Variable follow_interpolant(const InterpolantAt& answers, const Variable& z, int64_t width,
                            const InterpolantSettings& settings, const std::function<void(const Variable&)>& watch) {
  const double dt = 1.0 / double(settings.steps), noise = std::sqrt(2 * settings.diffusion * dt);
  Variable x = slice(z, 1, 0, width);
  if (watch) watch(x);
  for (int64_t i = 0; i < settings.steps; ++i) {
    x = x + drift(answers, x, (double(i) + 0.5) * dt, settings.sigma, settings.diffusion) * dt;
    if (noise > 0) x = x + slice(z, 1, (i + 1) * width, (i + 2) * width) * noise;
    if (watch) watch(x);
  }
  return x;
}

StochasticInterpolant::StochasticInterpolant(int64_t width, const InterpolantSettings& settings, Rng& rng)
    : settings_(settings),
      width_(width),
      base_(settings.diffusion > 0 ? width * (settings.steps + 1) : width),
      velocity_(width, settings.hidden, settings.depth, settings.frequencies, rng, settings.guidance.inputs(),
                Activation::silu, settings.waves),
      score_(width, settings.hidden, settings.depth, settings.frequencies, rng, settings.guidance.inputs(),
             Activation::silu, settings.waves) {
  check(settings.steps >= 1, "stochastic interpolant: ", settings.steps, " steps: expected at least 1");
  check(settings.sigma > 0, "stochastic interpolant: sigma ", settings.sigma,
        ": expected a positive number, such as 1");
  check(settings.diffusion >= 0, "stochastic interpolant: diffusion coefficient ", settings.diffusion,
        ": expected 0 or more");
}

InterpolantAt StochasticInterpolant::answers(const char* who, const Tensor& context, int64_t n, DType dtype) const {
  const Tensor given = settings_.guidance.rows(who, context, n, dtype);
  return [this, given](const Variable& x, double t) {
    const Guidance& guidance = settings_.guidance;
    InterpolantAnswer out{velocity_(x, t, given), score_(x, t, given)};
    if (guidance.weight == 0) return out;
    const Tensor none = guidance.null_rows(x.size(0), x.dtype());
    out.velocity = guidance.mix(out.velocity, velocity_(x, t, none));
    out.score = guidance.mix(out.score, score_(x, t, none));
    return out;
  };
}

Traits StochasticInterpolant::traits() const {
  if (noisy()) return {.same_width = false, .reconstructs = true, .steps = settings_.steps};
  const bool adaptive = settings_.ode.method == OdeMethod::dopri5;
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::ode,
          .steps = adaptive ? 0 : settings_.ode.steps,
          .inverse_error = carried_back_error(settings_.ode)};
}

VelocityAt StochasticInterpolant::field(const char* who, const Variable& start, const Tensor& context) const {
  check_rows(who, start.shape(), width_);
  return probability_flow(answers(who, context, start.size(0), start.dtype()), settings_.sigma);
}

Variable StochasticInterpolant::push(const Variable& z, const Tensor& context) const {
  constexpr const char* who = "flow-matching push";
  check_rows(who, z.shape(), base_.width());
  if (!noisy()) return carried(field(who, z, context), z, 0, 1, settings_.ode);
  return follow_interpolant(answers(who, context, z.size(0), z.dtype()), z, width_, settings_);
}

Variable StochasticInterpolant::pull(const Variable& x, const Tensor& context) const {
  if (noisy()) return Transform::pull(x, context);
  return carried(field("flow-matching pull", x, context), x, 1, 0, settings_.ode);
}

Mapped StochasticInterpolant::with_divergence(const Variable& start, double from, double to, const Tensor& probe,
                                              const Tensor& context) const {
  return carried_with_divergence(field("flow-matching log-determinant", start, context), start, from, to, probe,
                                 settings_.ode);
}
Mapped StochasticInterpolant::push_with_log_det(const Variable& z, const Tensor& context) const {
  return noisy() ? Transform::push_with_log_det(z, context) : with_divergence(z, 0, 1, {}, context);
}
Mapped StochasticInterpolant::pull_with_log_det(const Variable& x, const Tensor& context) const {
  return noisy() ? Transform::pull_with_log_det(x, context) : with_divergence(x, 1, 0, {}, context);
}

LogDensity StochasticInterpolant::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  if (noisy()) return Transform::log_density(x, rng, context);
  const Tensor probe = settings_.exact_divergence ? Tensor() : rng.rademacher(x.shape(), x.dtype());
  const Mapped pulled = with_divergence(Variable(x), 1, 0, probe, context);
  return {(base_.log_density(pulled.value) + pulled.log_det).value(), DensityKind::ode,
          divergence_note(settings_.ode, settings_.exact_divergence)};
}

std::vector<Tensor> StochasticInterpolant::path(const Tensor& z, const Tensor& context) const {
  constexpr const char* who = "flow-matching path";
  check_rows(who, z.shape(), base_.width());
  if (!noisy()) return carried_path(field(who, Variable(z), context), z, 0, 1);
  std::vector<Tensor> states;
  follow_interpolant(answers(who, context, z.size(0), z.dtype()), Variable(z), width_, settings_,
                     [&](const Variable& x) { states.push_back(x.value()); });
  return states;
}

Tensor StochasticInterpolant::encode(const Tensor& x, const Tensor& context) const {
  check_rows("flow-matching encode", x.shape(), width_);
  if (!noisy()) return pull(Variable(x), context).value();
  const InterpolantAt at = answers("flow-matching encode", context, x.size(0), x.dtype());
  const double dt = 1.0 / double(settings_.steps), noise = std::sqrt(2 * settings_.diffusion * dt);
  Tensor state = zeros_like(x);
  std::vector<Tensor> parts{state};
  for (int64_t i = 0; i < settings_.steps; ++i) {
    const Tensor mean =
        state + drift(at, Variable(state), (double(i) + 0.5) * dt, settings_.sigma, settings_.diffusion).value() * dt;
    state = x * (double(i + 1) * dt);
    parts.push_back((state - mean) * (1 / noise));
  }
  return concat(parts, 1);
}

InterpolantMatching::Points InterpolantMatching::points(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  const InterpolantSettings& s = model_.settings();
  const Tensor x0 = paired_noise(s.pairing, batch, context, s.sigma, rng);
  const Tensor t = rng.uniform({n, 1}, batch.dtype()), noise = rng.normal(batch.shape(), batch.dtype());
  const Tensor given = s.guidance.training_rows("flow-matching loss", context, n, batch.dtype(), rng);
  const Tensor gamma = sqrt(t * (1.0 - t)) * s.sigma, x = x0 + t * (batch - x0) + gamma * noise;
  return {t, gamma, x, concat(std::vector<Tensor>{batch - x0, -noise}, 1), given};
}

Variable InterpolantMatching::said(const Points& at) const {
  return concat(std::vector{model_.velocity()(at.x, at.t, at.given), model_.score()(at.x, at.t, at.given) * at.gamma},
                1);
}

Variable InterpolantMatching::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Points at = points(batch, rng, context);
  return sum(square(said(at) - Variable(at.target))) / double(batch.size(0));
}

std::vector<VitalSign> InterpolantMatching::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  // Pairing takes the square of the number of points.
  const int64_t n = std::min<int64_t>(batch.size(0), 512);
  const Tensor some = slice(batch, 0, 0, n);
  const Tensor given = context.defined() && context.size(0) > n ? slice(context, 0, 0, n) : context;
  const Points at = points(some, rng, given);
  std::vector<VitalSign> signs = loss_by_level("time", at.t, said(at).value(), at.target);
  const InterpolantSettings& s = model_.settings();
  const Tensor noise = rng.normal(some.shape(), some.dtype());
  for (VitalSign& sign : pairing_signs(s.pairing, noise, some, given, s.sigma)) signs.push_back(std::move(sign));
  return signs;
}

}  // namespace pf
