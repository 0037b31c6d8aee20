// The variational bound of a diffusion chain on N(0, ½²) with the best denoiser: every term is a variance, so the expected
// bound is a sum, for any number of steps.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "models/diffusion/chain.h"
#include "tests/models/ddpm_grid.h"

namespace pf {
namespace {

using testing::ddpm_grid;

constexpr double data_variance = 0.25;

/// Var(x₀ | x_t): what the best denoiser cannot know.
double spread_at(double log_ratio) {
  const NoiseLevel at = NoiseLevel::at(log_ratio);
  return data_variance * at.sigma * at.sigma / (at.alpha * at.alpha * data_variance + at.sigma * at.sigma);
}

/// Expected negative bound (Ho et al. 2020, eq. 5), in nats.
double expected_bound(const Chain& chain) {
  const NoiseLevel top = NoiseLevel::at(chain.grid[0]);
  double total = 0.5 * (top.alpha * top.alpha * data_variance + top.sigma * top.sigma - 1 - 2 * std::log(top.sigma));
  for (size_t i = 0; i < chain.grid.size(); ++i) {
    const Transition &p = chain.model[i], &q = chain.posterior[i];
    const double spread = spread_at(chain.grid[i]), variance = p.noise * p.noise;
    if (i + 1 < chain.grid.size())
      total += std::log(p.noise / q.noise) + 0.5 * (p.clean * p.clean * spread + q.noise * q.noise) / variance - 0.5;
    else total += 0.5 * std::log(2 * std::numbers::pi * variance) + 0.5 * spread / variance;
  }
  return total;
}

TEST(ChainBound, TheGapIsTheKnownOneForEveryNumberOfSteps) {
  const double entropy = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e * data_variance);
  EXPECT_NEAR(entropy, 0.7258, 5e-5);
  struct Known {
    int64_t steps;
    double forward, posterior;
  };
  for (auto [steps, forward, posterior] : {Known{25, 0.0447, 3.31},
                                           {50, 0.022, 1.99},
                                           {100, 0.011, 1.25},
                                           {250, 0.0044, 0.76},
                                           {1000, 0.0011, 0.46},
                                           {4000, 0.0003, 0.35}}) {
    Chain chain(ddpm_grid(steps), {.variance = ChainVariance::forward});
    EXPECT_NEAR(expected_bound(chain) - entropy, forward, 0.03 * forward + 5e-5) << steps;
    const Chain narrow(ddpm_grid(steps), {.variance = ChainVariance::posterior});
    EXPECT_NEAR(expected_bound(narrow) - entropy, posterior, 0.01) << steps;
    // The best variance of each step adds what the denoiser cannot know.
    for (size_t i = 0; i < chain.grid.size(); ++i) {
      const Transition& q = chain.posterior[i];
      chain.model[i].noise = std::sqrt(q.noise * q.noise + q.clean * q.clean * spread_at(chain.grid[i]));
    }
    EXPECT_NEAR(expected_bound(chain), entropy, 1e-3) << steps;
  }
}

}  // namespace
}  // namespace pf
