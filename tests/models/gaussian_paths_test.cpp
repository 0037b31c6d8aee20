// Paths between two Gaussians, where velocity, flow, loss, energy and bridges have closed forms.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "autograd/functional.h"
#include "models/entropic_pairing.h"
#include "models/flow_matching/flow_matching.h"
#include "models/flow_matching/mean_flow.h"
#include "models/metrics/path_energy.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/models/lattice.h"

namespace pf {
namespace {

// N(0, 1) → N(m, s²), independent pairs, straight paths: σ_t² = (1 − t)² + t² s², and the field that flow matching learns is
// v = m + (t s² − (1 − t))/σ_t² (x − t m). Its flow from r to t is x ↦ t m + σ_t/σ_r (x − r m).
struct GaussianPath {
  double m, s;
  template <class T> T variance(const T& t) const { return (1 - t) * (1 - t) + t * t * (s * s); }
  template <class X, class T> X velocity(const X& x, const T& t) const {
    return (x - t * m) * ((t * (s * s) - (1 - t)) / variance(t)) + m;
  }
  template <class X, class T> X flow(const X& x, const T& r, const T& t) const {
    return (x - r * m) * sqrt(variance(t) / variance(r)) + t * m;
  }
  OdeField field() const {
    return [*this](double t, const OdeState& x) { return OdeState{velocity(x[0], t)}; };
  }
};
using std::sqrt;

TEST(GaussianPaths, TheFlowBetweenAnyTwoTimesIsKnown) {
  const GaussianPath path{1.5, 0.5};
  const Tensor z = tensor({-2, -0.5, 0, 1, 3}, {5, 1}, float64);
  const double times[][2] = {{0, 1}, {0.2, 0.7}, {0.9, 0.1}};
  for (auto [r, t] : times) {
    const Tensor end = solve_ode(path.field(), {Variable(z)}, r, t, {.tolerance = 1e-9}).state[0].value();
    for (int64_t i = 0; i < 5; ++i) EXPECT_NEAR(end.at({i, 0}), path.flow(z.at({i, 0}), r, t), 1e-7);
  }
  EXPECT_NEAR(path.flow(0.7, 0.0, 1.0), 1.5 + 0.5 * 0.7, 1e-15);  // the optimal map
  const OdeOptions one_step{.method = OdeMethod::euler, .steps = 1};
  const Tensor end = solve_ode(path.field(), {Variable(z)}, 0, 1, one_step).state[0].value();
  for (int64_t i = 0; i < 5; ++i) EXPECT_NEAR(end.at({i, 0}), 1.5, 1e-12);  // at t = 0 the field knows only the mean
}

// Paths are t m + σ_t z, so two starts of mean 0 and variance 1 give every expectation of a square exactly.
TEST(GaussianPaths, EnergyAndStraightnessAreKnown) {
  const Tensor starts = tensor({-1, 1}, {2, 1}, float64);
  const OdeOptions fine{.tolerance = 1e-10};
  struct Known {
    double s, spread, straightness;
  };
  for (auto [s, spread, straightness] : {Known{1, 2 - std::numbers::pi / 2, 0.4292}, {0.5, 0.4646, 0.2146}}) {
    const PathEnergy found = path_energy(GaussianPath{3, s}.field(), starts, fine);
    EXPECT_NEAR(found.energy.value, 9 + spread, 1e-4) << s;
    EXPECT_NEAR(found.displacement.value, 9 + (1 - s) * (1 - s), 1e-8) << s;
    EXPECT_NEAR(found.straightness.value, straightness, 1e-4) << s;
    if (s < 1) { EXPECT_NEAR(normalised_path_energy(found.energy.value, 9 + 0.25), 0.0232, 1e-4); }
  }
  // After one reflow the pairs are (z, m + s z), and the paths between them do not cross: straight, at constant speed.
  const OdeField straight = [](double t, const OdeState& x) {
    return OdeState{(x[0] - t * 3.0) * (-0.5 / (1 - 0.5 * t)) + 3.0};
  };
  EXPECT_NEAR(path_energy(straight, starts, fine).straightness.value, 0, 1e-8);
  const OdeOptions euler{.method = OdeMethod::euler, .steps = 1};
  EXPECT_NEAR(path_energy(straight, starts, euler).displacement.value, 9.25, 1e-12);  // one step is enough
}

// What no field can know, ∫ s²/σ_t² dt: π/2 for s = 1 and π/4 for s = ½.
TEST(GaussianPaths, TheBestFieldHasTheKnownLoss) {
  Rng rng(1);
  const int64_t n = 200000;
  const Tensor x0 = rng.normal({n}, float64), t = rng.uniform({n}, float64);
  for (double s : {1.0, 0.5}) {
    const GaussianPath path{3, s};
    const Tensor x1 = rng.normal({n}, float64) * s + 3.0;
    const Tensor error = square(path.velocity((1 - t) * x0 + t * x1, t) - (x1 - x0));
    EXPECT_NEAR(mean(error).item(), s * std::numbers::pi / 2, 5 * std::sqrt(var(error).item() / double(n))) << s;
  }
}

// MeanFlow's identity u = v + (e − s) du/ds (Geng et al. 2025, eq. 6) for the exact average velocity, its derivative by the
// forward-mode product that training takes. Known: noise at 1, data at 0, m = 1, s = ½, from t = 0.9 to r = 0.2 at z = 0.4:
// u = −0.784060 there, and the other sign with time reversed.
TEST(GaussianPaths, TheAverageVelocitySatisfiesItsIdentity) {
  const GaussianPath path{1, 0.5};
  const Map average = [&](const Variable& rows) {  // (x, s, e − s) → u
    const Variable x = slice(rows, 1, 0, 1), from = slice(rows, 1, 1, 2), span = slice(rows, 1, 2, 3);
    return (path.flow(x, from, from + span) - x) / span;
  };
  const Tensor rows = tensor({0.4, 0.1, 0.7, -1.2, 0.3, 0.6, 2.5, 0, 1, 0.2, 0.55, 0.05}, {4, 3}, float64);
  const Tensor x = slice(rows, 1, 0, 1), s = slice(rows, 1, 1, 2), span = slice(rows, 1, 2, 3);
  const Tensor v = path.velocity(x, s);
  const auto [u, change] =
      jvp(average, rows, concat(std::vector<Tensor>{v, ones({4, 1}, float64), full({4, 1}, -1.0, float64)}, 1));
  EXPECT_NEAR(u.at({0, 0}), 0.784060, 1e-6);
  for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(u.at({i, 0}), (v + span * change).at({i, 0}), 1e-12);
}

TEST(GaussianPaths, MeanFlowLearnsTheMapOfTwoGaussians) {
  Rng rng(2);
  MeanFlow model(1, 32, 2, rng);
  const MeanVelocityMatching objective(model);
  const std::vector<Field> parameters = parameters_of(model);
  Adam adam;
  for (int step = 0; step < 500; ++step) {
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
      return objective.loss(rng.normal({128, 1}) * 0.5 + 1.0, rng);
    });
    adam.update(parameters, gradients, step < 350 ? 5e-3 : 5e-4);
  }
  const Tensor z = tensor({-1, -0.5, 0, 0.5, 1}, {5, 1}), x = model.push(Variable(z)).value();
  for (int64_t i = 0; i < 5; ++i) EXPECT_NEAR(x.at({i, 0}), 1 + 0.5 * z.at({i, 0}), 0.08);
}

// The Schrödinger bridge from N(−0.1, 1) to N(0.1, 1) with noise σ has the marginals N(0.2 t − 0.1, t (1 − t) √(4 + σ⁴) +
// (1 − t)² + t²): the entropic plan of ε = 2σ² with Brownian bridges between the pairs.
TEST(GaussianPaths, EntropicPairsAndBridgesHaveTheMarginalsOfTheSchroedingerBridge) {
  const Tensor x0 = normal_quantiles(600) - 0.1, x1 = normal_quantiles(600) + 0.1;
  for (double sigma : {0.5, 1.0, 2.0}) {
    const Tensor plan = exp(entropic_plan(x0, x1, 2 * sigma * sigma, 5000, 1e-9).log_plan);
    for (double t : {0.25, 0.5, 0.9}) {
      const Tensor between = x0 * (1 - t) + transpose(x1) * t;
      const double centre = sum(plan * between).item();
      const double variance = sum(plan * square(between - centre)).item() + sigma * sigma * t * (1 - t);
      EXPECT_NEAR(centre, 0.2 * t - 0.1, 1e-6);
      EXPECT_NEAR(variance, t * (1 - t) * std::sqrt(4 + std::pow(sigma, 4)) + (1 - t) * (1 - t) + t * t, 6e-3) << sigma;
    }
  }
}

// And the field learned from them has these marginals, wide in the middle, where paths by optimal transport keep variance 1.
TEST(GaussianPaths, TheLearnedBridgeHasTheKnownVarianceHalfway) {
  const double sigma = 2;
  Rng rng(3);
  FlowMatching model(1, {.hidden = 32, .depth = 2}, rng);
  const VelocityMatching objective(model, Pairing::entropic, sigma);
  const std::vector<Field> parameters = parameters_of(model);
  Adam adam;
  for (int step = 0; step < 400; ++step) {
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
      return objective.loss(rng.normal({128, 1}) + 0.2, rng);
    });
    adam.update(parameters, gradients, step < 280 ? 5e-3 : 5e-4);
  }
  const std::vector<Tensor> way = model.path(cast(normal_quantiles(1000), float32));
  EXPECT_NEAR(var(way[way.size() / 2]).item(), 0.25 * std::sqrt(4 + std::pow(sigma, 4)) + 0.5, 0.15);
  EXPECT_NEAR(var(way.back()).item(), 1, 0.25);  // the velocities of bridges are noisy near their ends
}

}  // namespace
}  // namespace pf
