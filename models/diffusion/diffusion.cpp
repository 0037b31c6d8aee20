#include "models/diffusion/diffusion.h"

#include <cmath>

#include "models/ode_flow.h"

namespace pf {

Diffusion::Diffusion(int64_t width, const DiffusionSettings& settings, Rng& rng)
    : settings_(settings), base_(width), denoiser_(width, settings.denoiser, rng) {}

Traits Diffusion::traits() const {
  const bool adaptive = settings_.solver == DiffusionSolver::dopri5;
  const bool well_conditioned = settings_.denoiser.prediction == Prediction::velocity;
  const int64_t evaluations = settings_.steps * (settings_.solver == DiffusionSolver::heun ? 2 : 1);
  // Other predictions are divided by α or σ, which are small at one end. With fixed steps the samples miss the ODE, which
  // inverse and density follow closely, by the error of the solver, of the order of a step.
  const double missed = settings_.solver == DiffusionSolver::heun ? 0.1 : 8 / double(settings_.steps);
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::ode,
          .steps = adaptive ? 0 : evaluations,
          .inverse_error = adaptive ? (well_conditioned ? 100 : 5000) * settings_.tolerance : missed};
}

double Diffusion::out_scale() const {
  return settings_.denoiser.data_deviation / NoiseLevel::at(denoiser_.schedule().cleanest()).alpha;
}

Variable Diffusion::flow(const DenoiserAt& denoiser, const Variable& start, double from, double to) const {
  return carried([&](const Variable& x, double t) { return flow_velocity(denoiser, x, t); }, start, from, to, ode());
}

Mapped Diffusion::flow_with_divergence(const Variable& start, double from, double to, const Tensor& probe,
                                       const Tensor& context) const {
  const DenoiserAt denoiser = denoiser_.estimates("diffusion log-determinant", context, start.size(0), start.dtype());
  return carried_with_divergence([&](const Variable& x, double t) { return flow_velocity(denoiser, x, t); }, start,
                                 from, to, probe, ode());
}

Variable Diffusion::push(const Variable& z, const Tensor& context) const {
  check_rows("diffusion push", z.shape(), width());
  const NoiseSchedule schedule = denoiser_.schedule();
  const DenoiserAt denoiser = denoiser_.estimates("diffusion push", context, z.size(0), z.dtype());
  const Variable end = settings_.solver == DiffusionSolver::dopri5
                           ? flow(denoiser, z, schedule.noisiest(), schedule.cleanest())
                           : solve_on_grid(settings_.solver, denoiser, z, schedule.grid(settings_.steps));
  return end * out_scale();
}

Variable Diffusion::pull(const Variable& x, const Tensor& context) const {
  check_rows("diffusion pull", x.shape(), width());
  const NoiseSchedule schedule = denoiser_.schedule();
  const DenoiserAt denoiser = denoiser_.estimates("diffusion pull", context, x.size(0), x.dtype());
  return flow(denoiser, x / out_scale(), schedule.cleanest(), schedule.noisiest());
}

Mapped Diffusion::push_with_log_det(const Variable& z, const Tensor& context) const {
  check_rows("diffusion log-determinant", z.shape(), width());
  const NoiseSchedule schedule = denoiser_.schedule();
  const Mapped end = flow_with_divergence(z, schedule.noisiest(), schedule.cleanest(), {}, context);
  return {end.value * out_scale(), end.log_det + double(width()) * std::log(out_scale())};
}

Mapped Diffusion::pulled(const Variable& x, const Tensor& probe, const Tensor& context) const {
  check_rows("diffusion log-determinant", x.shape(), width());
  const NoiseSchedule schedule = denoiser_.schedule();
  const Mapped end = flow_with_divergence(x / out_scale(), schedule.cleanest(), schedule.noisiest(), probe, context);
  return {end.value, end.log_det - double(width()) * std::log(out_scale())};
}

Mapped Diffusion::pull_with_log_det(const Variable& x, const Tensor& context) const { return pulled(x, {}, context); }

std::vector<Tensor> Diffusion::path(const Tensor& z, const Tensor& context) const {
  check_rows("diffusion path", z.shape(), width());
  const NoiseSchedule schedule = denoiser_.schedule();
  const DenoiserAt denoiser = denoiser_.estimates("diffusion path", context, z.size(0), z.dtype());
  std::vector<Tensor> states;
  const WatchState watch = [&](const Variable& x) { states.push_back(x.value()); };
  if (settings_.solver == DiffusionSolver::dopri5) {
    watch(Variable(z));
    const std::vector<double> grid = schedule.grid(32);
    for (size_t i = 0; i + 1 < grid.size(); ++i) watch(flow(denoiser, Variable(states.back()), grid[i], grid[i + 1]));
  } else {
    solve_on_grid(settings_.solver, denoiser, Variable(z), schedule.grid(settings_.steps), watch);
  }
  for (size_t i = 1; i + 1 < states.size(); ++i) states[i] = states[i] * settings_.denoiser.data_deviation;
  states.back() = states.back() * out_scale();
  return states;
}

LogDensity Diffusion::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  const Tensor probe = settings_.exact_divergence ? Tensor() : rng.rademacher(x.shape(), x.dtype());
  const Mapped z = pulled(Variable(x), probe, context);
  return {(base_.log_density(z.value) + z.log_det).value(), DensityKind::ode,
          divergence_note(ode(), settings_.exact_divergence)};
}

}  // namespace pf
