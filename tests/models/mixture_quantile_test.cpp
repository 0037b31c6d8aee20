// Quantiles of mixtures, far into the tails, and their implicit derivatives.

#include <cmath>

#include "autograd/functional.h"
#include "autograd/gradcheck.h"
#include "models/autoregressive/conditional_mixture.h"
#include "tensor/ops/power.h"
#include "tests/models/autoregressive_models.h"

namespace pf {
namespace {

using testing::largest_difference;

constexpr Component components[] = {Component::normal, Component::logistic};

ConditionalMixture random_mixture(Component component, int64_t n, int64_t k, Rng& rng, DType dtype = float64) {
  return {component, rng.normal({n, k}, dtype), rng.normal({n, k}, dtype) * 2.0, rng.normal({n, k}, dtype) * 0.7};
}

TEST(MixtureQuantile, IsTheInverseOfTheDistributionFunction) {
  for (Component component : components) {
    Rng rng(1);
    const ConditionalMixture mixture = random_mixture(component, 5000, 5, rng);
    const Tensor u = rng.uniform({5000}, float64);
    EXPECT_LT(largest_difference(mixture.cdf(mixture.quantile(u)).value(), u), 1e-14);
    // Narrow components far apart: flat between them, and one of no weight.
    const Tensor many = expand(tensor({0, -3, -800}, {1, 3}, float64), {5000, 3}),
                 apart = expand(tensor({-50, 20, 1e6}, {1, 3}, float64), {5000, 3});
    const ConditionalMixture steps{component, many, apart, full({5000, 3}, -4, float64)};
    EXPECT_LT(largest_difference(steps.cdf(steps.quantile(u)).value(), u), 1e-12);
    const Tensor single = cast(u, float32);
    const ConditionalMixture rounded = random_mixture(component, 5000, 5, rng, float32);
    EXPECT_LT(largest_difference(rounded.cdf(rounded.quantile(single)).value(), single), 2e-6);
  }
}

TEST(MixtureQuantile, HoldsFarInTheTails) {
  for (Component component : components) {
    Rng rng(2);
    std::vector<double> u, mirrored;
    for (int i = 1; i < 60; ++i) u.push_back(std::pow(10, -0.25 * i));
    for (int i = 1; i < 60; ++i) u.push_back(1 - std::pow(10, -0.25 * i));
    const int64_t n = int64_t(u.size());
    // One component: its own quantile.
    const ConditionalMixture one{component, zeros({n, 1}, float64), full({n, 1}, 0.7, float64),
                                 full({n, 1}, std::log(2.5), float64)};
    const Tensor at = tensor(u, float64);
    const Tensor expected = (component == Component::normal ? ndtri(at) : logit(at)) * 2.5 + 0.7;
    EXPECT_LT(largest_difference(one.quantile(at).value(), expected), 1e-9);
    // Several: the lower tail to a small part of itself.
    const ConditionalMixture several = random_mixture(component, n, 4, rng);
    const Tensor back = several.cdf(several.quantile(at)).value();
    for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(back.at({i}) / u[size_t(i)], 1, 1e-11) << u[size_t(i)];
  }
}

TEST(MixtureQuantile, HasImplicitDerivativesOfFirstAndSecondOrder) {
  for (Component component : components) {
    Rng rng(3);
    const ConditionalMixture m = random_mixture(component, 4, 3, rng);
    const Tensor u = tensor({0.03, 0.4, 0.6, 0.97}, float64);
    const ListMap quantile = [&](std::span<const Variable> x) {
      return ConditionalMixture{component, x[1], x[2], x[3]}.quantile(x[0]);
    };
    const GradcheckReport report =
        gradcheck(quantile, {u, m.log_weights.value(), m.means.value(), m.log_scales.value()});
    EXPECT_TRUE(report.ok()) << to_string(report);
    // ∂x/∂u = 1/p(x)
    const Variable at = tracked(u), x = m.quantile(at);
    const Tensor slope = grad(sum(x), at), density = exp(m.log_density(Variable(x.value()))).value();
    EXPECT_LT(largest_difference(slope * density, ones({4}, float64)), 1e-12);
  }
}

}  // namespace
}  // namespace pf
