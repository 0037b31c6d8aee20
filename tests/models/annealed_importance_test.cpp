// Chains and annealed importance sampling where the integral is known: linear maps with Gaussian noise.

#include "models/annealed_importance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "autograd/apply.h"
#include "models/gan/generator.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/index.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

/// x = W z + b + σ ε, probabilistic PCA: p(x) = N(b, W Wᵀ + σ²), posterior N(M⁻¹ Wᵀ (x − b), σ² M⁻¹), M = Wᵀ W + σ².
struct LinearGenerator {
  Rng rng{1};
  Generator map{3, 2, 1, 0, rng};
  Tensor w = tensor({1.2, 0.4, -0.7, 0.9, 0.3, 0.5}, {3, 2}, float64), b = tensor({0.5, -1, 2}, {3}, float64);
  double sigma = 0.5;

  LinearGenerator() {
    for (Field& field : fields_of(map)) *field.parameter = Variable(field.value().rank() == 2 ? w : b);
  }
  Tensor exact(const Tensor& x) const {
    const Tensor l = cholesky(matmul(w, transpose(w)) + eye(3, float64) * (sigma * sigma));
    const Tensor white = solve_triangular(l, transpose(x - b));
    return sum(square(white), 0) * -0.5 - sum(log(diagonal(l))).item() - 1.5 * std::log(2 * std::numbers::pi);
  }
};

TEST(AnnealedImportance, HitsTheDensityOfProbabilisticPca) {
  LinearGenerator toy;
  const NoisyMap model(toy.map, toy.sigma);
  const Tensor z = toy.rng.normal({12, 2}, float64);
  const Tensor x = toy.map.push(Variable(z)).value() + toy.rng.normal({12, 3}, float64) * toy.sigma;
  const Tensor exact = toy.exact(x);
  const AnnealingOptions options{.chains = 16, .distributions = 200};
  const Tensor below = annealed_importance(model, x, toy.rng, options);
  EXPECT_NEAR(mean(below).item(), mean(exact).item(), 0.02);
  EXPECT_LT(max(abs(below - exact)).item(), 0.2);
  // z is an exact sample of the posterior of the x made of it: the way back bounds from above.
  const Tensor above = annealed_importance(model, x, toy.rng, options, {}, z);
  EXPECT_NEAR(mean(above).item(), mean(exact).item(), 0.08);  // all chains of a row start at one point
  EXPECT_GT(mean(above).item(), mean(exact).item() - 0.02);
  // With few laws on the way both are far off, each on its side.
  const AnnealingOptions few{.chains = 1, .distributions = 3};
  double low = 0, high = 0;
  for (int i = 0; i < 40; ++i) {
    low += mean(annealed_importance(model, x, toy.rng, few)).item() / 40;
    high += mean(annealed_importance(model, x, toy.rng, few, {}, z)).item() / 40;
  }
  EXPECT_LT(low, mean(exact).item() - 0.3);
  EXPECT_GT(high, mean(exact).item() + 0.3);
}

TEST(AnnealedImportance, TheScheduleIsSmallAtBothEnds) {
  const std::vector<double> betas = annealing_schedule(10);
  EXPECT_EQ(betas.front(), 0);
  EXPECT_EQ(betas.back(), 1);
  EXPECT_NEAR(betas[5], 0.5, 1e-12);
  for (size_t i = 0; i < 10; ++i) EXPECT_GT(betas[5 + (i % 2)] - betas[4 + (i % 2)], betas[1] - betas[0]);
}

// Chains of a correlated Gaussian have its moments, with the acceptance that was asked for.
TEST(Hamiltonian, ChainsHaveTheirStationaryLaw) {
  Rng rng(2);
  const Tensor precision = tensor({2, 1.2, 1.2, 1}, {2, 2}, float64);
  const RowDensity density = [&](const Variable& z) { return sum(z * matmul(z, Variable(precision)), -1) * -0.5; };
  HamiltonianChains chains(zeros({4000, 2}, float64), {});
  for (int i = 0; i < 60; ++i) chains.move(density, rng, true);
  for (int i = 0; i < 20; ++i) chains.move(density, rng, false);
  const Tensor& z = chains.points();
  const Tensor covariance = matmul(transpose(z), z) * (1 / 4000.0), known = inverse(precision);
  EXPECT_LT(max(abs(mean(z, 0))).item(), 0.12);
  EXPECT_LT(max(abs(covariance - known)).item(), 0.2);
  EXPECT_NEAR(chains.acceptance(), 0.8, 0.2);
  EXPECT_EQ(testing::error_of([&] {
              HamiltonianChains(zeros({3, 2}), {.step = 0});
            }),
            "hamiltonian: 10 leapfrog steps of 0: expected at least one step of positive size");
}

}  // namespace
}  // namespace pf
