// One-step maps where the exact map is known.

#include <gtest/gtest.h>

#include <cmath>

#include "models/diffusion/consistency.h"
#include "models/flow_matching/shortcut.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "nn/optim/ema.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/models/lattice.h"

namespace pf {
namespace {

// Data N(m, c²): (x̄ − m)/√(c² + σ̄²) is constant along the flow, so f = m + (x̄ − m) c/√(c² + σ̄²), with x̄ = x_t/α, σ̄ = σ/α.
struct NormalConsistency {
  double m, c;
  /// F = (α x_t − f)/σ.
  Variable network(const Variable& x, const Variable& log_ratio) const {
    const Variable ratio = exp(log_ratio), scale = sqrt(square(ratio) + 1.0), clean = x * scale;
    const Variable f = (clean - m) * (c / sqrt(square(ratio) + c * c)) + m;
    return (x / scale - f) * (scale / ratio);
  }
  /// dx/dt of the flow: v̂ of the exact denoiser.
  Tensor velocity(const Tensor& x, const Tensor& log_ratio) const {
    const Tensor ratio = exp(log_ratio), alpha = 1.0 / sqrt(square(ratio) + 1.0), sigma = ratio * alpha;
    const Tensor clean = (x - alpha * m) * (alpha * (c * c) / (square(alpha) * (c * c) + square(sigma))) + m;
    return express(Prediction::velocity, interpret(Prediction::clean, clean, x, alpha, sigma), alpha, sigma);
  }
};

TEST(Consistency, TheKnownFunctionHasNoSlopeAlongTheFlow) {
  const NormalConsistency known{1, 0.5};
  const Tensor x = tensor({-1.2, 0.3, 0.9, 2, 0.1}, {5, 1}, float64),
               log_ratio = tensor({-3, -1, 0, 1.5, 4}, {5, 1}, float64);
  const VelocityNetwork network = [&](const Variable& y, const Variable& l) { return known.network(y, l); };
  const Tensor velocity = known.velocity(x, log_ratio);
  EXPECT_LT(max(abs(consistency_slope(network, x, log_ratio, velocity).slope)).item(), 1e-12);
  // Another function has one.
  const VelocityNetwork other = [&](const Variable& y, const Variable& l) { return known.network(y, l) * 1.1; };
  EXPECT_GT(max(abs(consistency_slope(other, x, log_ratio, velocity).slope)).item(), 0.01);
  // With single points of data and noise for the flow, it vanishes on average over those that lead to x.
  const int64_t n = 200000;
  Rng rng(1);
  const Tensor ratio = full({n, 1}, 0.4, float64), alpha = 1.0 / sqrt(square(exp(ratio)) + 1.0),
               sigma = exp(ratio) * alpha;
  const CleanAndNoise<Tensor> truth{rng.normal({n, 1}, float64) * 0.5 + 1.0, rng.normal({n, 1}, float64)};
  const Tensor xt = alpha * truth.clean + sigma * truth.noise;
  const Tensor slope = consistency_slope(network, xt, ratio, express(Prediction::velocity, truth, alpha, sigma)).slope;
  for (const Tensor& g : {slope, slope * xt, slope * square(xt)})
    EXPECT_NEAR(mean(g).item(), 0, 4 * std::sqrt(var(g).item() / double(n)));
}

TEST(Consistency, TrainingFindsTheMapOfANormalDistribution) {
  for (int64_t jumps : {1, 2}) {
    Rng rng(2);
    ConsistencySettings settings{.steps = jumps};
    settings.denoiser.hidden = 32;
    settings.denoiser.depth = 2;
    ConsistencyModel model(1, settings, rng);
    ConsistencyTraining objective(model.denoiser());
    const std::vector<Field> parameters = parameters_of(model);
    Adam adam;
    Ema ema(parameters, 0.99);
    for (int step = 0; step < 1500; ++step) {
      auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
        return objective.loss(rng.normal({128, 1}) * 0.5 + 1.0, rng);
      });
      adam.update(parameters, gradients, step < 1000 ? 1e-2 : 1e-3);
      ema.update(parameters);
    }
    ema.store(parameters);
    const Tensor x = model.push(Variable(rng.normal({4000, jumps}))).value();
    EXPECT_NEAR(mean(x).item(), 1, 0.06) << jumps;
    EXPECT_NEAR(std::sqrt(var(x).item()), 0.5, 0.05) << jumps;
  }
}

// N(0, 1) → N(m, c²) on straight paths: the flow from s to e is x ↦ e m + σ_e/σ_s (x − s m), σ_t² = (1 − t)² + t² c², and
// its average velocities are those of two halves.
TEST(Shortcut, KnownAverageVelocitiesAreThoseOfTheirHalves) {
  const double m = 1, c = 0.5;
  auto variance = [&](const Tensor& t) { return square(1.0 - t) + square(t * c); };
  auto u = [&](const Tensor& x, const Tensor& s, const Tensor& span) {
    const Tensor e = s + span;
    return ((x - s * m) * sqrt(variance(e) / variance(s)) + e * m - x) / span;
  };
  const Tensor x = tensor({-1.3, 0.2, 0.4, 2}, {4, 1}, float64), s = tensor({0, 0.25, 0.5, 0}, {4, 1}, float64),
               d = tensor({0.5, 0.125, 0.25, 1.0 / 128}, {4, 1}, float64);
  EXPECT_LT(max(abs(two_jumps(u, x, s, d) - u(x, s, d * 2.0))).item(), 1e-12);
}

TEST(Shortcut, TrainingFindsTheMapBetweenTwoNormalDistributions) {
  Rng rng(3);
  MeanFlow model(1, 32, 2, rng);
  const ShortcutMatching objective(model);
  const std::vector<Field> parameters = parameters_of(model);
  Adam adam;
  for (int step = 0; step < 600; ++step) {
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
      return objective.loss(rng.normal({128, 1}) * 0.5 + 1.0, rng);
    });
    adam.update(parameters, gradients, step < 400 ? 1e-2 : 5e-4);
  }
  const Tensor z = tensor({-1.5, -0.5, 0, 1, 2}, {5, 1}), x = model.push(Variable(z)).value();
  for (int64_t i = 0; i < 5; ++i) EXPECT_NEAR(x.at({i, 0}), 1 + 0.5 * z.at({i, 0}), 0.08);
}

}  // namespace
}  // namespace pf
