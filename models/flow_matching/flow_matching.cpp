#include "models/flow_matching/flow_matching.h"

#include <algorithm>
#include <numbers>

#include "models/loss_by_level.h"
#include "models/waves.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/trigonometric.h"
#include "tensor/ops/views.h"

namespace pf {

VelocityField::VelocityField(int64_t width, int64_t hidden, int64_t depth, int64_t frequencies, Rng& rng, int64_t given,
                             Activation activation, int64_t waves, FieldPrediction prediction)
    : frequencies_(frequencies),
      waves_(waves),
      prediction_(prediction),
      net_(mlp_widths(waves_width(width, waves) + 1 + 2 * frequencies + given, hidden, depth, width), rng,
           {.activation = activation}) {}

Variable VelocityField::operator()(const Variable& x, const Tensor& time, const Tensor& given) const {
  std::vector<Variable> inputs{with_waves(x, waves_, 8), Variable(expand(time, {x.size(0), 1}))};
  if (frequencies_ > 0) {
    const Tensor k = arange(1, double(frequencies_) + 1, 1, x.dtype()) * (2 * std::numbers::pi);
    const Tensor angle = expand(time, {x.size(0), 1}) * k;
    inputs.emplace_back(sin(angle));
    inputs.emplace_back(cos(angle));
  }
  if (given.defined()) inputs.emplace_back(given);
  const Variable said = net_(concat(inputs, 1));
  if (prediction_ == FieldPrediction::velocity) return said;
  return (said - x) / maximum(1.0 - time, 0.05);
}
Variable VelocityField::operator()(const Variable& x, double time, const Tensor& given) const {
  return (*this)(x, full({1, 1}, time, x.dtype()), given);
}

FlowMatching::FlowMatching(int64_t width, const FlowMatchingSettings& settings, Rng& rng)
    : FlowMatching(std::make_shared<Normal>(width), settings, rng) {}
FlowMatching::FlowMatching(std::shared_ptr<const Distribution> base, const FlowMatchingSettings& settings, Rng& rng)
    : settings_(settings),
      base_(std::move(base)),
      velocity_(base_->width(), settings.hidden, settings.depth, settings.frequencies, rng, settings.guidance.inputs(),
                settings.activation, settings.waves, settings.prediction) {
  if (settings.keeps_teacher) teach(0);
}

void FlowMatching::teach(int64_t stage) {
  const std::vector<Field> parameters = parameters_of(velocity_);
  teacher_.resize(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) teacher_[i] = parameters[i].value();
  stage_ = tensor({double(stage)}, {1}, int64);
}

int64_t FlowMatching::stage() const {
  if (!stage_.defined()) return 0;
  // Addresses are no numbers that a recorded step (tensor/capture.h) would have to watch.
  if (!known_stage_.in.defined() || known_stage_.in.storage().data() != stage_.storage().data())
    known_stage_ = {stage_, int64_t(stage_.item())};
  return known_stage_.number;
}

VelocityField FlowMatching::teacher() const {
  VelocityField out = velocity_;
  const std::vector<Field> parameters = parameters_of(out);
  check(teacher_.size() == parameters.size(), "flow-matching: the model keeps no teacher");
  for (size_t i = 0; i < parameters.size(); ++i) *parameters[i].parameter = Variable(teacher_[i]);
  return out;
}

Traits FlowMatching::traits() const {
  const bool adaptive = settings_.sampling.method == OdeMethod::dopri5;
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::ode,
          .steps = adaptive ? 0 : settings_.sampling.steps,
          .inverse_error = carried_back_error(settings_.sampling)};
}

Variable FlowMatching::velocity_at(const Variable& x, double t, const Tensor& given) const {
  const Variable v = velocity_(x, t, given);
  const Guidance& guidance = settings_.guidance;
  if (guidance.weight == 0) return v;
  return guidance.mix(v, velocity_(x, t, guidance.null_rows(x.size(0), x.dtype())));
}

VelocityAt FlowMatching::field(const char* who, const Variable& start, const Tensor& context) const {
  check_rows(who, start.shape(), width());
  const Tensor given = settings_.guidance.rows(who, context, start.size(0), start.dtype());
  return [this, given](const Variable& x, double t) { return velocity_at(x, t, given); };
}

Variable FlowMatching::push(const Variable& z, const Tensor& context) const {
  return carried(field("flow-matching push", z, context), z, 0, 1, settings_.sampling);
}
Variable FlowMatching::pull(const Variable& x, const Tensor& context) const {
  return carried(field("flow-matching pull", x, context), x, 1, 0, settings_.sampling);
}

Mapped FlowMatching::with_divergence(const Variable& start, double from, double to, const Tensor& probe,
                                     const Tensor& context) const {
  return carried_with_divergence(field("flow-matching log-determinant", start, context), start, from, to, probe,
                                 settings_.likelihood);
}
Mapped FlowMatching::push_with_log_det(const Variable& z, const Tensor& context) const {
  return with_divergence(z, 0, 1, {}, context);
}
Mapped FlowMatching::pull_with_log_det(const Variable& x, const Tensor& context) const {
  return with_divergence(x, 1, 0, {}, context);
}

std::vector<Tensor> FlowMatching::path(const Tensor& z, const Tensor& context) const {
  return carried_path(field("flow-matching path", Variable(z), context), z, 0, 1);
}

LogDensity FlowMatching::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  const bool exact = settings_.divergence == DivergenceKind::exact;
  const Tensor probe = exact ? Tensor() : rng.rademacher(x.shape(), x.dtype());
  const Mapped pulled = with_divergence(Variable(x), 1, 0, probe, context);
  return {(base_->log_density(pulled.value) + pulled.log_det).value(), DensityKind::ode,
          divergence_note(settings_.likelihood, exact)};
}

VelocityMatching::VelocityMatching(const FlowMatching& model, const MatchingSettings& settings)
    : model_(model), settings_(settings) {
  check(settings.pairing != Pairing::entropic || settings.sigma > 0, "flow-matching: sigma ", settings.sigma,
        ": a Schrödinger bridge needs a sigma above 0");
}

PathPoints VelocityMatching::points(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  const Tensor& x1 = batch;
  const Tensor x0 =
      paired(settings_.pairing, model_.base().sample(n, rng, batch.dtype()), x1, context, settings_.sigma, rng);
  const Tensor t = rng.uniform({n, 1}, batch.dtype());
  Tensor xt, velocity;
  if (settings_.interpolant == Interpolant::straight) {
    xt = x0 + t * (x1 - x0);
    velocity = x1 - x0;
  } else {
    const double quarter = std::numbers::pi / 2;
    const Tensor c = cos(t * quarter), s = sin(t * quarter);
    xt = c * x0 + s * x1;
    velocity = (c * x1 - s * x0) * quarter;
  }
  if (settings_.sigma > 0) {
    const Tensor noise = rng.normal(batch.shape(), batch.dtype()) * settings_.sigma;
    if (settings_.pairing == Pairing::entropic) {
      // A Brownian bridge: deviation σ √(t (1 − t)), whose own velocity is its derivative in t times the noise.
      const Tensor deviation = sqrt(t * (1.0 - t));
      xt = xt + deviation * noise;
      velocity = velocity + noise * ((1.0 - t * 2.0) / (deviation * 2.0));
    } else {
      xt = xt + noise;
    }
  }
  const Tensor given = model_.settings().guidance.training_rows("flow-matching loss", context, n, batch.dtype(), rng);
  return {t, xt, velocity, given};
}

Variable velocity_loss(const VelocityField& field, const PathPoints& at) {
  return sum(square(field(Variable(at.x), at.t, at.given) - Variable(at.velocity))) / double(at.x.size(0));
}

std::vector<VitalSign> velocity_signs(const VelocityField& field, const PathPoints& at) {
  return loss_by_level("time", at.t, field(Variable(at.x), at.t, at.given).value(), at.velocity);
}

Variable VelocityMatching::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  return velocity_loss(model_.velocity(), points(batch, rng, context));
}

std::vector<VitalSign> VelocityMatching::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  // Pairing takes the square of the number of points and more.
  const int64_t n = settings_.pairing == Pairing::independent ? batch.size(0) : std::min<int64_t>(batch.size(0), 512);
  const Tensor some = slice(batch, 0, 0, n);
  const Tensor given = context.defined() && context.size(0) > n ? slice(context, 0, 0, n) : context;
  std::vector<VitalSign> signs = velocity_signs(model_.velocity(), points(some, rng, given));
  const Tensor noise = model_.base().sample(n, rng, batch.dtype());
  for (VitalSign& sign : pairing_signs(settings_.pairing, noise, some, given, settings_.sigma))
    signs.push_back(std::move(sign));
  return signs;
}

}  // namespace pf
