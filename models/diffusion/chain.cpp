#include "models/diffusion/chain.h"

#include <cmath>
#include <numbers>

#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// Columns of the i-th vector of a base sample; the state comes before the noises.
Variable part_of(const Variable& z, int64_t width, int64_t i) { return slice(z, 1, i * width, (i + 1) * width); }

/// q(x_s | x_t, x₀) with noise v, in the family that has the same marginals for every v (Song et al. 2020, eq. 7).
Transition posterior_step(const NoiseLevel& t, const NoiseLevel& s, double noise) {
  const double state = std::sqrt(std::max(0.0, s.sigma * s.sigma - noise * noise)) / t.sigma;
  return {state, s.alpha - state * t.alpha, noise};
}

Transition sde_step(const NoiseLevel& t, const NoiseLevel& s) {
  const double beta = 2 * std::log(s.alpha / t.alpha);  // ∫ β dt
  return {1 + 0.5 * beta - beta / (t.sigma * t.sigma), beta * t.alpha / (t.sigma * t.sigma), std::sqrt(beta)};
}

std::vector<double> grid_of(const ChainSettings& settings) {
  check(settings.steps >= 2, "diffusion: ", settings.steps, " noisy steps: expected at least 2; set solver-steps=2");
  return NoiseSchedule(settings.denoiser.schedule).grid(settings.steps - 1);
}

}  // namespace

Chain::Chain(std::vector<double> ratios, const ChainSettings& settings) : grid(std::move(ratios)) {
  check(settings.eta >= 0 && settings.eta <= 1, "diffusion chain: eta ", settings.eta, ": expected 0 to 1");
  const double eta = settings.kind == ChainKind::sde ? 1 : settings.eta;
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const NoiseLevel t = NoiseLevel::at(grid[i]), s = NoiseLevel::at(grid[i + 1]);
    // What the forward step from s to t adds: σ² is β in Ho et al.
    const double forward = std::sqrt(-std::expm1(2 * std::log(t.alpha / s.alpha)));
    posterior.push_back(posterior_step(t, s, eta * forward * s.sigma / t.sigma));
    model.push_back(settings.kind == ChainKind::sde ? sde_step(t, s) : posterior.back());
    // β is the other end of what the noise of a full step can be (Ho et al. 2020, section 3.2). For less noise the drift leaves
    // room for η σ̃ only.
    if (settings.kind == ChainKind::ancestral && settings.variance == ChainVariance::forward && eta == 1)
      model.back().noise = forward;
  }
  posterior.push_back({0, 1, 0});
  model.push_back({0, 1, std::exp(grid.back())});
}

Variable Chain::push(const DenoiserAt& denoiser, const Variable& z, const WatchState& watch) const {
  const int64_t width = z.size(1) / int64_t(grid.size() + 1);
  Variable x = part_of(z, width, 0);
  if (watch) watch(x);
  for (size_t i = 0; i < grid.size(); ++i) {
    const Transition& step = model[i];
    x = x * step.state + denoiser(x, grid[i]).clean * step.clean + part_of(z, width, int64_t(i) + 1) * step.noise;
    if (watch) watch(x);
  }
  return x;
}

Tensor Chain::encode(const DenoiserAt& denoiser, const Tensor& x) const {
  Tensor state = x * NoiseLevel::at(grid[0]).alpha;
  std::vector<Tensor> parts{state};
  for (size_t i = 0; i < grid.size(); ++i) {
    const Transition& step = model[i];
    const Tensor mean = state * step.state + denoiser(Variable(state), grid[i]).clean.value() * step.clean;
    if (step.noise == 0) {
      parts.push_back(zeros_like(x));
      state = mean;
      continue;
    }
    const Tensor next = i + 1 < grid.size() ? x * NoiseLevel::at(grid[i + 1]).alpha : x;
    parts.push_back((next - mean) * (1 / step.noise));
    state = next;
  }
  return concat(parts, 1);
}

Tensor Chain::bound(const DenoiserAt& denoiser, const Tensor& x, Rng& rng) const {
  const double width = double(x.size(1));
  const NoiseLevel top = NoiseLevel::at(grid[0]);
  // KL(N(α x, σ²) ‖ N(0, 1)).
  Tensor total = (sum(square(x), Axes{1}) * (top.alpha * top.alpha) +
                  width * (top.sigma * top.sigma - 1 - 2 * std::log(top.sigma))) *
                 0.5;
  for (size_t i = 0; i < grid.size(); ++i) {
    const NoiseLevel level = NoiseLevel::at(grid[i]);
    const Tensor state = x * level.alpha + rng.normal(x.shape(), x.dtype()) * level.sigma;
    const Tensor clean = denoiser(Variable(state), grid[i]).clean.value();
    const Transition &p = model[i], &q = posterior[i];
    const Tensor miss =
        sum(square(state * (q.state - p.state) + x * q.clean - clean * p.clean), Axes{1}) * (0.5 / (p.noise * p.noise));
    if (i + 1 == grid.size()) {
      total = total + miss + width * (std::log(p.noise) + 0.5 * std::log(2 * std::numbers::pi));
    } else {
      const double ratio = q.noise / p.noise;
      total = total + miss + width * 0.5 * (ratio * ratio - 1 - 2 * std::log(ratio));
    }
  }
  return -total;
}

DiffusionChain::DiffusionChain(int64_t width, const ChainSettings& settings, Rng& rng)
    : width_(width),
      chain_(grid_of(settings), settings),
      base_(width * int64_t(chain_.grid.size() + 1)),
      denoiser_(width, settings.denoiser, rng) {}

Traits DiffusionChain::traits() const {
  return {.invertible = false,
          .same_width = false,
          .density = chain_.noiseless() ? DensityKind::none : DensityKind::bound,
          .steps = int64_t(chain_.grid.size()),
          .inverse_error = 0};
}

Variable DiffusionChain::push(const Variable& z, const Tensor& context) const {
  check_rows("diffusion push", z.shape(), base_.width());
  return chain_.push(denoiser_.estimates("diffusion push", context, z.size(0), z.dtype()), z) * data_deviation();
}

std::vector<Tensor> DiffusionChain::path(const Tensor& z, const Tensor& context) const {
  check_rows("diffusion path", z.shape(), base_.width());
  std::vector<Tensor> states;
  chain_.push(denoiser_.estimates("diffusion path", context, z.size(0), z.dtype()), Variable(z),
              [&](const Variable& x) { states.push_back(x.value() * data_deviation()); });
  return states;
}

LogDensity DiffusionChain::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  check_rows("diffusion log-density", x.shape(), width_);
  if (chain_.noiseless()) cannot("with eta=0 no step takes noise, so that there is no bound", "set solver=ddim");
  const DenoiserAt denoiser = denoiser_.estimates("diffusion log-density", context, x.size(0), x.dtype());
  const Tensor bound = chain_.bound(denoiser, x * (1 / data_deviation()), rng);
  return {bound - double(width_) * std::log(data_deviation()), DensityKind::bound,
          join("variational bound over ", chain_.grid.size(), " steps, one noise a step")};
}

Tensor DiffusionChain::encode(const Tensor& x, const Tensor& context) const {
  check_rows("diffusion encode", x.shape(), width_);
  const DenoiserAt denoiser = denoiser_.estimates("diffusion encode", context, x.size(0), x.dtype());
  return chain_.encode(denoiser, x * (1 / data_deviation()));
}

}  // namespace pf
