#include "models/flow_matching/flow_matching.h"

#include <numbers>

#include "autograd/functional.h"
#include "models/assignment.h"
#include "models/entropic_pairing.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/trigonometric.h"

namespace pf {

VelocityField::VelocityField(int64_t width, int64_t hidden, int64_t depth, int64_t frequencies, Rng& rng)
    : frequencies_(frequencies), net_(mlp_widths(width + 1 + 2 * frequencies, hidden, depth, width), rng) {}

Variable VelocityField::operator()(const Variable& x, const Tensor& time) const {
  std::vector<Variable> inputs{x, Variable(expand(time, {x.size(0), 1}))};
  if (frequencies_ > 0) {
    const Tensor k = arange(1, double(frequencies_) + 1, 1, x.dtype()) * (2 * std::numbers::pi);
    const Tensor angle = expand(time, {x.size(0), 1}) * k;
    inputs.emplace_back(sin(angle));
    inputs.emplace_back(cos(angle));
  }
  return net_(concat(inputs, 1));
}
Variable VelocityField::operator()(const Variable& x, double time) const {
  return (*this)(x, full({1, 1}, time, x.dtype()));
}

FlowMatching::FlowMatching(int64_t width, const FlowMatchingSettings& settings, Rng& rng)
    : settings_(settings), base_(width), velocity_(width, settings.hidden, settings.depth, settings.frequencies, rng) {}

Traits FlowMatching::traits() const {
  const bool adaptive = settings_.sampling.method == OdeMethod::dopri5;
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::ode,
          .steps = adaptive ? 0 : settings_.sampling.steps,
          .inverse_error = adaptive ? 100 * settings_.sampling.tolerance : 1e-2};
}

Variable FlowMatching::flow(const Variable& start, double from, double to) const {
  check_rows(to > from ? "flow-matching push" : "flow-matching pull", start.shape(), width());
  const OdeField field = [this](double t, const OdeState& x) { return OdeState{velocity_(x[0], t)}; };
  return solve_ode(field, {start}, from, to, settings_.sampling).state[0];
}

Mapped FlowMatching::flow_with_divergence(const Variable& start, double from, double to, const Tensor& probe) const {
  check_rows("flow-matching log-determinant", start.shape(), width());
  const OdeField field = [&](double t, const OdeState& x) {
    const Map v = [&](const Variable& at) { return velocity_(at, t); };
    const auto [value, divergence] = probe.defined() ? hutchinson_divergence(v, x[0], probe) : pf::divergence(v, x[0]);
    return OdeState{value, divergence};
  };
  const OdeState end =
      solve_ode(field, {start, Variable(zeros({start.size(0)}, start.dtype()))}, from, to, settings_.likelihood).state;
  return {end[0], end[1]};
}

Mapped FlowMatching::push_with_log_det(const Variable& z, const Tensor& context) const {
  return flow_with_divergence(z, 0, 1, {});
}
Mapped FlowMatching::pull_with_log_det(const Variable& x, const Tensor& context) const {
  return flow_with_divergence(x, 1, 0, {});
}

std::vector<Tensor> FlowMatching::path(const Tensor& z, const Tensor& context) const {
  std::vector<Tensor> positions;
  const OdeField field = [this](double t, const OdeState& x) { return OdeState{velocity_(x[0], t)}; };
  const OdeOptions even{.method = OdeMethod::rk4, .steps = 32};
  solve_ode(field, {Variable(z)}, 0, 1, even, [&](double, const OdeState& x) { positions.push_back(x[0].value()); });
  return positions;
}

LogDensity FlowMatching::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  const bool exact = settings_.divergence == DivergenceKind::exact;
  const Tensor probe = exact ? Tensor() : rng.rademacher(x.shape(), x.dtype());
  const Mapped pulled = flow_with_divergence(Variable(x), 1, 0, probe);
  const OdeOptions& o = settings_.likelihood;
  const std::string solver = o.method == OdeMethod::dopri5 ? join("dopri5, tolerance ", o.tolerance)
                                                           : join(name_of(o.method), ", ", o.steps, " steps");
  return {(base_.log_density(pulled.value) + pulled.log_det).value(), DensityKind::ode,
          join(solver, exact ? ", exact divergence" : ", one Hutchinson probe")};
}

VelocityMatching::VelocityMatching(const FlowMatching& model, const MatchingSettings& settings)
    : model_(model), settings_(settings) {
  check(settings.pairing != Pairing::entropic || settings.sigma > 0, "flow-matching: sigma ", settings.sigma,
        ": a Schrödinger bridge needs a sigma above 0");
}

Variable VelocityMatching::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  const Tensor& x1 = batch;
  Tensor x0 = rng.normal(batch.shape(), batch.dtype());
  if (settings_.pairing == Pairing::optimal) x0 = index_select(x0, 0, optimal_pairing(x1, x0));
  if (settings_.pairing == Pairing::entropic)
    x0 = index_select(x0, 0, entropic_pairing(x1, x0, 2 * settings_.sigma * settings_.sigma, rng));
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
  const Variable v = model_.velocity()(Variable(xt), t);
  // Summed over coordinates, averaged over rows.
  return sum(square(v - Variable(velocity))) / double(n);
}

}  // namespace pf
