#include "models/flow_matching/stochastic_interpolant.h"

#include <algorithm>
#include <cmath>

#include "models/inversion.h"
#include "models/loss_by_level.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// The drift, dt times, of the step in whose middle t is.
Variable drift(const InterpolantAt& answers, const Variable& x, double t, double dt, const InterpolantSettings& s) {
  const InterpolantAnswer at = answers(x, t);
  return (at.velocity + at.score * (s.diffusion - 0.5 * s.sigma * s.sigma * (1 - 2 * t))) * dt;
}

}  // namespace

Variable follow_interpolant(const InterpolantAt& answers, const Variable& z, int64_t width,
                            const InterpolantSettings& settings, const std::function<void(const Variable&)>& watch) {
  const double dt = 1.0 / double(settings.steps), noise = std::sqrt(2 * settings.diffusion * dt);
  Variable x = slice(z, 1, 0, width);
  if (watch) watch(x);
  for (int64_t i = 0; i < settings.steps; ++i) {
    x = x + drift(answers, x, (double(i) + 0.5) * dt, dt, settings);
    if (noise > 0) x = x + slice(z, 1, (i + 1) * width, (i + 2) * width) * noise;
    if (watch) watch(x);
  }
  return x;
}

StochasticInterpolant::StochasticInterpolant(int64_t width, const InterpolantSettings& settings, Rng& rng)
    : settings_(settings),
      width_(width),
      base_(settings.diffusion > 0 ? width * (settings.steps + 1) : width),
      velocity_(width, settings.hidden, settings.depth, settings.frequencies, rng, settings.guidance.inputs()),
      score_(width, settings.hidden, settings.depth, settings.frequencies, rng, settings.guidance.inputs()) {
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

Variable StochasticInterpolant::push(const Variable& z, const Tensor& context) const {
  check_rows("flow-matching push", z.shape(), base_.width());
  return follow_interpolant(answers("flow-matching push", context, z.size(0), z.dtype()), z, width_, settings_);
}

std::vector<Tensor> StochasticInterpolant::path(const Tensor& z, const Tensor& context) const {
  check_rows("flow-matching path", z.shape(), base_.width());
  std::vector<Tensor> states;
  follow_interpolant(answers("flow-matching path", context, z.size(0), z.dtype()), Variable(z), width_, settings_,
                     [&](const Variable& x) { states.push_back(x.value()); });
  return states;
}

Tensor StochasticInterpolant::encode(const Tensor& x, const Tensor& context) const {
  check_rows("flow-matching encode", x.shape(), width_);
  if (settings_.diffusion == 0) return invert_by_optimisation(*this, x, {}, context).z;
  const InterpolantAt at = answers("flow-matching encode", context, x.size(0), x.dtype());
  const double dt = 1.0 / double(settings_.steps), noise = std::sqrt(2 * settings_.diffusion * dt);
  Tensor state = zeros_like(x);
  std::vector<Tensor> parts{state};
  for (int64_t i = 0; i < settings_.steps; ++i) {
    const Tensor mean = state + drift(at, Variable(state), (double(i) + 0.5) * dt, dt, settings_).value();
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
  const Points at =
      points(slice(batch, 0, 0, n), rng, context.defined() && context.size(0) > n ? slice(context, 0, 0, n) : context);
  return loss_by_level("time", at.t, said(at).value(), at.target);
}

}  // namespace pf
