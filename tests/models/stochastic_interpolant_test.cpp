// Stochastic interpolants between two normal distributions, where both networks' answers are known.

#include "models/flow_matching/stochastic_interpolant.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

// N(0, 1) → N(m, c²): x_t is normal around t m with variance (1 − t)² + t² c² + γ².
InterpolantAt exact_answers(double m, double c, double sigma) {
  return [=](const Variable& x, double t) {
    const double gamma2 = sigma * sigma * t * (1 - t), variance = (1 - t) * (1 - t) + t * t * c * c + gamma2;
    const Variable away = (x - t * m) / variance;
    return InterpolantAnswer{away * (t * c * c - (1 - t)) + m, -away};
  };
}

// The map is linear in its base sample, which gives mean and variance of the samples without sampling.
TEST(StochasticInterpolant, EveryAmountOfNoiseLeadsToTheSameLaw) {
  const double m = 1.5, c = 0.5;
  for (double sigma : {0.5, 1.0, std::sqrt(2.0)})
    for (double diffusion : {0.0, 0.1, 0.5 * sigma * sigma, 2.0}) {
      double last = INFINITY;
      for (int64_t steps : {100, 400, 1600}) {
        const InterpolantSettings settings{.sigma = sigma, .diffusion = diffusion, .steps = steps};
        const Variable z = tracked(zeros({1, diffusion > 0 ? steps + 1 : 1}, float64));
        const Variable x = follow_interpolant(exact_answers(m, c, sigma), z, 1, settings);
        const double miss = std::abs(x.item() - m) + std::abs(sum(square(grad(sum(x), z))).item() - c * c);
        EXPECT_LT(miss, 0.6 * last) << sigma << ' ' << diffusion;
        last = miss;
      }
      EXPECT_LT(last, 0.01) << sigma << ' ' << diffusion;
    }
}

TEST(StochasticInterpolant, TrainingFindsTheLaw) {
  for (double diffusion : {0.0, 0.5}) {
    Rng rng(1);
    StochasticInterpolant model(1, {.hidden = 32, .depth = 2, .diffusion = diffusion, .steps = 100}, rng);
    const InterpolantMatching objective(model);
    const std::vector<Field> parameters = parameters_of(model);
    Adam adam;
    for (int step = 0; step < 500; ++step) {
      auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
        return objective.loss(rng.normal({128, 1}) * 0.5 + 1.0, rng);
      });
      adam.update(parameters, gradients, step < 350 ? 1e-2 : 5e-4);
    }
    const Tensor x = model.push(Variable(rng.normal({3000, model.base().width()}))).value();
    EXPECT_NEAR(mean(x).item(), 1, 0.06) << diffusion;
    EXPECT_NEAR(std::sqrt(var(x).item()), 0.5, 0.06) << diffusion;
  }
}

}  // namespace
}  // namespace pf
