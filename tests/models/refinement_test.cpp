// Refinement along a log-ratio: where points end whose ratio is known, and that a critic learns one.

#include "models/transfer/refinement.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/autoregressive/autoregressive.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

// p = N(m, s²) against q = N(0, 1), exactly: d(x) = ½ x² − ½ (x − m)²/s² − log s.
constexpr double m = 0.8, s = 0.5;
Variable exact_ratio(const Variable& x) {
  const Variable white = (squeeze(x, 1) - m) * (1 / s);
  return (square(squeeze(x, 1)) - square(white)) * 0.5 - std::log(s);
}

// KL: the Langevin chain of exp(d/γ), a normal law of precision κ/γ, κ = 1/s² − 1, about m/(1 − s²). A chain of steps η has the
// variance γ/κ / (1 − ηκ/2).
TEST(RatioFlow, EndsInTheNormalLawOfItsPotential) {
  const double kappa = 1 / (s * s) - 1, eta = 0.02;
  const int64_t n = 20000;
  for (double gamma : {0.3, 1.0}) {
    Rng rng(1);
    const RatioFlow flow{.steps = 200, .step_size = eta, .noise = gamma};
    const Tensor x = follow_ratio(rng.normal({n, 1}, float64), exact_ratio, flow, rng);
    const double variance = gamma / kappa / (1 - eta * kappa / 2);
    EXPECT_NEAR(mean(x).item(), m / (1 - s * s), 4 * std::sqrt(variance / double(n)));
    EXPECT_NEAR(var(x).item() / variance, 1, 4 * std::sqrt(2 / double(n)));
  }
  // Without noise all end at the maximum.
  Rng rng(2);
  const Tensor x = follow_ratio(rng.normal({100, 1}, float64), exact_ratio, {.steps = 400, .step_size = eta}, rng);
  EXPECT_LT(max(abs(x - m / (1 - s * s))).item(), 1e-6);
}

// In the space of the noise of T(z) = a z + b the law is the same, seen through T.
TEST(RatioFlow, IsTheSameThroughALinearMap) {
  const double a = 0.7, b = -0.3, kappa = 1 / (s * s) - 1, eta = 0.02, gamma = 0.5;
  const int64_t n = 20000;
  const LogRatio ratio = [&](const Variable& z) { return exact_ratio((z * a + b - b) * (1 / a)); };
  Rng rng(3);
  const Tensor z =
      follow_ratio(rng.normal({n, 1}, float64), ratio, {.steps = 200, .step_size = eta, .noise = gamma}, rng);
  const double variance = gamma / kappa / (1 - eta * kappa / 2);
  EXPECT_NEAR(mean(z * a + b).item(), a * m / (1 - s * s) + b, 4 * a * std::sqrt(variance / double(n)));
  EXPECT_NEAR(var(z * a + b).item() / (a * a * variance), 1, 4 * std::sqrt(2 / double(n)));
}

// log D: the chain of σ(d)^(1/γ), whose mean and variance are those of a sum over a grid.
TEST(RatioFlow, OfLogDEndsInThePowerOfTheDiscriminator) {
  Rng rng(4);
  const double gamma = 0.5;
  const RatioFlow flow{.divergence = FlowDivergence::log_d, .steps = 1500, .step_size = 0.01, .noise = gamma};
  const Tensor x = follow_ratio(rng.normal({8000, 1}, float64), exact_ratio, flow, rng);
  const Tensor grid = unsqueeze(linspace(-4, 6, 4001, float64), 1);
  const Tensor height = exp(log_sigmoid(exact_ratio(Variable(grid)).value()) * (1 / gamma)), at = squeeze(grid, 1);
  const double total = sum(height).item(), centre = sum(height * at).item() / total;
  EXPECT_NEAR(mean(x).item(), centre, 0.03);
  EXPECT_NEAR(var(x).item(), sum(height * square(at - centre)).item() / total, 0.03);
}

// One step is η s(d) ∇d, with s = 1, σ(d), σ(−d).
TEST(RatioFlow, StepsAreScaledAsTheDivergenceSays) {
  const Tensor x = tensor({-1, 0.2, 1.5}, {3, 1}, float64);
  Rng rng(5);
  for (auto [divergence, which] :
       {std::pair{FlowDivergence::kl, 0}, {FlowDivergence::js, 1}, {FlowDivergence::log_d, 2}}) {
    const Tensor moved =
        follow_ratio(x, exact_ratio, {.divergence = divergence, .steps = 1, .step_size = 0.1}, rng) - x;
    for (int64_t i = 0; i < 3; ++i) {
      const double at = x.at({i, 0}), slope = at - (at - m) / (s * s);
      const double d = exact_ratio(Variable(slice(x, 0, i, i + 1))).item(), up = 1 / (1 + std::exp(-d));
      EXPECT_NEAR(moved.at({i, 0}), 0.1 * slope * (which == 0 ? 1 : which == 1 ? up : 1 - up), 1e-12);
    }
  }
  EXPECT_EQ(parse_flow_divergence("log-d"), FlowDivergence::log_d);
  EXPECT_TRUE(testing::contains(testing::error_of([] { parse_flow_divergence("log-f"); }), "did you mean 'log-d'?"));
  EXPECT_TRUE(testing::contains(testing::error_of([&] { follow_ratio(x, exact_ratio, {.noise = -1}, rng); }),
                                "no negative noise"));
}

// Data N(m, v I), samples N(b, v I) of T(z) = √v z + b: the log-ratio is linear, its gradient (m − b)/v everywhere, and √v times
// that in the noise.
TEST(Refinement, MovesSamplesAndNoiseTowardsTheData) {
  Rng rng(2);
  const double scale = 0.8, shift = 0.6, b = 0.3, v = scale * scale;
  const Affine model(full({2}, scale), full({2}, b));
  const Tensor data = rng.normal({20000, 2}) * scale + (b + shift);
  const RefinementOptions options{
      .critic_steps = 800, .gamma = 0.02, .hidden = 32, .flow = {.steps = 10, .step_size = 0.02}};
  const Refinement refine(model, data, rng, options);
  const Tensor z = rng.normal({4000, 2}), x = model.push(Variable(z)).value();
  EXPECT_NEAR(mean(refine(x, rng) - x).item(), 10 * 0.02 * shift / v, 0.03);
  EXPECT_NEAR(mean(refine.refined_noise(z, rng) - z).item(), 10 * 0.02 * scale * shift / v, 0.03);
  EXPECT_TRUE(testing::contains(testing::error_of([&] { refine(zeros({2, 3}), rng); }), "expected [n, 2]"));
}

// Coins that fall on 1 too seldom: the noise is moved so that they do as the data do.
TEST(Refinement, MovesTheNoiseOfAStepFunction) {
  Rng rng(6);
  Autoregressive model(1, {.conditional = Conditional::bernoulli, .hidden = 4, .depth = 1}, rng);
  for (Field& field : parameters_of(model)) *field.parameter = Variable(zeros(field.value().shape()));
  const Tensor data = cast(rng.uniform({4000, 1}) < 0.9, float32);
  const Refinement refine(
      model, data, rng,
      {.critic_steps = 300, .gamma = 0, .hidden = 16, .flow = {.steps = 60, .step_size = 0.05}, .temperature = 0.5});
  const Tensor u = rng.uniform({3000, 1}), moved = refine.refined_noise(u, rng);
  EXPECT_NEAR(mean(model.push(Variable(u)).value()).item(), 0.5, 0.04);
  EXPECT_GT(mean(model.push(Variable(moved)).value()).item(), 0.7);
  EXPECT_TRUE(all(logical_and(moved > 0.0, moved < 1.0)));
}

}  // namespace
}  // namespace pf
