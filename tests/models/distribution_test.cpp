// Base distributions: samples have the moments of the law, densities integrate to one, quantile maps invert each other.

#include "models/distribution.h"

#include <cmath>
#include <memory>

#include "autograd/gradcheck.h"
#include "models/interpolation.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

struct Known {
  std::shared_ptr<const Distribution> law;
  std::vector<double> mean, variance;
  bool quantiles = true;
};

std::vector<Known> laws_on_the_plane() {
  const auto normal = std::make_shared<Normal>(1);
  const auto uniform = std::make_shared<Uniform>(1);
  const Tensor centres = tensor({-2, 0, 1, 1, 3, -1}, {3, 2}), weights = tensor({1, 2, 1}),
               deviations = tensor({0.5, 1, 0.8});
  // Means ¼·(−2 + 2·1 + 3), ¼·(0 + 2·1 − 1); variances E[σ² + c²] − mean².
  const double spread = (0.25 + 2 * 1 + 0.64) / 4;
  return {{std::make_shared<Normal>(2), {0, 0}, {1, 1}},
          {std::make_shared<Uniform>(2), {0.5, 0.5}, {1. / 12, 1. / 12}},
          {std::make_shared<Product>(std::vector<std::shared_ptr<const Distribution>>{normal, uniform}),
           {0, 0.5},
           {1, 1. / 12}},
          {std::make_shared<Mixture>(centres, weights, deviations),
           {0.75, 0.25},
           {spread + 15. / 4 - 0.5625, spread + 3. / 4 - 0.0625},
           false}};
}

TEST(Distribution, SamplesHaveTheMomentsOfTheLaw) {
  for (const Known& known : laws_on_the_plane()) {
    Rng rng(1);
    const int64_t n = 200000;
    const Tensor x = known.law->sample(n, rng, float64);
    const Tensor centre = mean(x, 0), square_mean = var(x, 0);
    for (int64_t j = 0; j < 2; ++j) {
      const double deviation = std::sqrt(known.variance[size_t(j)]);
      EXPECT_NEAR(centre.at({j}), known.mean[size_t(j)], 5 * deviation / std::sqrt(double(n))) << known.law->describe();
      EXPECT_NEAR(square_mean.at({j}), known.variance[size_t(j)], 0.02 * known.variance[size_t(j)])
          << known.law->describe();
    }
    Rng again(1);
    EXPECT_EQ(known.law->sample(100, again, float32).dtype(), float32);
    EXPECT_EQ(known.law->sample(0, again, float32).shape(), (Shape{0, 2}));
  }
}

TEST(Distribution, DensitiesIntegrateToOne) {
  constexpr int64_t cells = 400;
  constexpr double range = 8, h = 2 * range / cells;
  std::vector<double> grid;
  for (int64_t i = 0; i < cells; ++i)
    for (int64_t j = 0; j < cells; ++j) {
      grid.push_back(-range + (double(i) + 0.5) * h);
      grid.push_back(-range + (double(j) + 0.5) * h);
    }
  const Tensor x = tensor(grid, {cells * cells, 2}, float64);
  for (const Known& known : laws_on_the_plane()) {
    const double total = sum(exp(known.law->log_density(Variable(x)).value())).item() * h * h;
    EXPECT_NEAR(total, 1, 1e-6) << known.law->describe();
  }
}

TEST(Distribution, QuantilesInvertEachOther) {
  for (const Known& known : laws_on_the_plane()) {
    if (!known.quantiles) continue;
    Rng rng(2);
    const std::vector<double> u = rng.uniform({500, 2}, float64).to_vector<double>();
    const Tensor x = known.law->from_uniform(tensor(u, {500, 2}, float64));
    const std::vector<double> back = known.law->to_uniform(x).to_vector<double>();
    for (size_t i = 0; i < u.size(); ++i) EXPECT_NEAR(back[i], u[i], 1e-12) << known.law->describe();
  }
  const Mixture one(tensor({1, -2}, {1, 2}), tensor({3}), tensor({0.5}));
  const Tensor x = one.from_uniform(tensor({0.3, 0.9}, {1, 2}, float64));
  EXPECT_NEAR(one.to_uniform(x).at({0, 1}), 0.9, 1e-12);
  EXPECT_NEAR(x.at({0, 0}), 1 + 0.5 * -0.5244005127080407, 1e-9);
}

TEST(Distribution, DensitiesHaveDerivatives) {
  for (const Known& known : laws_on_the_plane()) {
    if (dynamic_cast<const Uniform*>(known.law.get())) continue;  // constant
    const GradcheckReport report =
        gradcheck([&](std::span<const Variable> in) { return known.law->log_density(in[0]); },
                  {tensor({0.2, 0.4, -1.3, 0.7}, {2, 2}, float64)});
    EXPECT_TRUE(report.ok()) << known.law->describe() << ": " << to_string(report);
  }
  EXPECT_EQ(Uniform(2).log_density(Variable(tensor({0.5, 1.5, 0.1, 0.2}, {2, 2}))).value().to_vector<float>(),
            (std::vector<float>{-INFINITY, 0}));
}

TEST(Distribution, InterpolationStaysInTheLaw) {
  for (const Known& known : laws_on_the_plane()) {
    if (!known.quantiles) continue;
    Rng rng(3);
    const Tensor a = known.law->sample(50000, rng, float64), b = known.law->sample(50000, rng, float64);
    const Tensor way = interpolate(*known.law, a, b, 5);
    EXPECT_EQ(way.shape(), (Shape{5, 50000, 2}));
    for (int64_t k = 0; k < 5; ++k)
      for (int64_t j = 0; j < 2; ++j) {
        const Tensor x = pick(pick(way, 0, k), 1, j);
        EXPECT_NEAR(mean(x).item(), known.mean[size_t(j)], 0.03) << known.law->describe();
        EXPECT_NEAR(var(x).item() / known.variance[size_t(j)], 1, 0.05) << known.law->describe();
      }
  }
}

TEST(Distribution, Errors) {
  EXPECT_TRUE(contains(error_of([] {
                         Normal(2).log_density(Variable(zeros({3, 4})));
                       }),
                       "normal: [3, 4]: expected [n, 2], one sample a row"));
  const Mixture two(zeros({2, 2}), ones({2}), ones({2}));
  EXPECT_TRUE(contains(error_of([&] {
                         two.from_uniform(zeros({1, 2}));
                       }),
                       "2 components have no coordinate-wise quantile map"));
  EXPECT_TRUE(contains(error_of([] {
                         Mixture(zeros({2, 2}), tensor({1, -1}), ones({2}));
                       }),
                       "mixture: weight 1 is -1: expected a positive number"));
  EXPECT_TRUE(contains(error_of([] {
                         Mixture(zeros({2, 2}), ones({3}), ones({2}));
                       }),
                       "expected one of each a component"));
  EXPECT_TRUE(contains(error_of([] {
                         interpolate(Normal(2), zeros({1, 2}), zeros({1, 2}), 1);
                       }),
                       "expected at least 2"));
}

TEST(Empirical, DrawsItsRowsAndHasNoDensity) {
  const Tensor rows = tensor({1, 10, 2, 20, 3, 30}, {3, 2});
  const Empirical law(rows);
  Rng rng(5);
  const Tensor x = law.sample(3000, rng, float64);
  EXPECT_EQ(x.shape(), (Shape{3000, 2}));
  double counts[3] = {};
  for (int64_t i = 0; i < 3000; ++i) {
    const double first = x.at({i, 0});
    EXPECT_EQ(x.at({i, 1}), 10 * first);
    ++counts[int(first) - 1];
  }
  for (double c : counts) EXPECT_NEAR(c, 1000, 4 * std::sqrt(3000 * 2. / 9));
  EXPECT_TRUE(contains(error_of([&] { law.log_density(Variable(rows)); }), "rows of data have no density"));
  EXPECT_TRUE(contains(error_of([&] { law.from_uniform(rows); }), "no quantile map"));
  EXPECT_TRUE(contains(error_of([] { Empirical{zeros({0, 2})}; }), "expected [n, width]"));
}

}  // namespace
}  // namespace pf
