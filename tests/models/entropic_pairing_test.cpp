#include "models/entropic_pairing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/assignment.h"
#include "models/flow_matching/flow_matching.h"
#include "models/squared_distances.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/softmax.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

TEST(EntropicPairing, ThePlanHasItsMarginals) {
  Rng rng(1);
  const Tensor plan =
      exp(entropic_plan(rng.normal({40, 2}, float64), rng.normal({60, 2}, float64), 0.2, 2000, 1e-9).log_plan);
  EXPECT_LT(max(abs(sum(plan, 1) * 40.0 - 1.0)).item(), 1e-6);
  EXPECT_LT(max(abs(sum(plan, 0) * 60.0 - 1.0)).item(), 1e-6);
}

// Between N(0, s²) and N(m, s²) the plan is Gaussian with covariance √(s⁴ + ε²/4) − ε/2 for the cost ‖x − y‖²
// (Janati et al. 2020, arXiv 2006.02572, theorem 1, whose ε is half of this cost's).
TEST(EntropicPairing, BetweenTwoGaussiansTheCovarianceIsKnown) {
  Rng rng(2);
  const double epsilon = 0.8;
  const Tensor x = rng.normal({1500, 1}, float64), y = rng.normal({1500, 1}, float64) + 2.0;
  const Tensor plan = exp(entropic_plan(x, y, epsilon, 2000, 1e-8).log_plan);
  const double covariance = sum(plan * (x - mean(x)) * transpose(y - mean(y))).item();
  EXPECT_NEAR(covariance, std::sqrt(1 + epsilon * epsilon / 16) - epsilon / 4, 0.06);
}

// Most iterations are products with the plan so far; the same number of them in logarithms gives the same plan, also where
// each entry of exp(−c/ε) is far below the least number.
TEST(EntropicPairing, ProductsGiveWhatLogarithmsGive) {
  Rng rng(5);
  for (DType dtype : {float32, float64})
    for (double epsilon : {10.0, 0.5, 0.02}) {
      const Tensor x = rng.normal({60, 2}, dtype) * 2.0, y = rng.normal({80, 2}, dtype) + 6.0;
      const Tensor kernel = squared_distances_by_product(x, y) * (-1 / epsilon);
      const EntropicPlan plan = entropic_plan(x, y, epsilon, 150, 1e-12);
      Tensor f = zeros({60, 1}, dtype), g = zeros({1, 80}, dtype);
      for (int64_t i = 0; i < plan.iterations; ++i) {
        f = -logsumexp(kernel + g, 1, true) - std::log(60.0);
        g = -logsumexp(kernel + f, 0, true) - std::log(80.0);
      }
      const Tensor expected = exp(kernel + f + g);
      const double scale = max(expected).item(), rounding = dtype == float32 ? 1e-7 : 1e-15;
      // Potentials are rounded at their size in units of ε, some hundred times.
      EXPECT_LT(max(abs(exp(plan.log_plan) - expected)).item(), scale * (1e-3 + 200 / epsilon) * 100 * rounding)
          << name_of(dtype) << " " << epsilon;
      EXPECT_LT(max(abs(sum(exp(plan.log_plan), 0) * 80.0 - 1.0)).item(), (1 + 200 / epsilon) * 10 * rounding);
    }
}

TEST(EntropicPairing, ASmallEpsilonGivesNearlyTheOptimalCost) {
  Rng rng(3);
  const Tensor x = rng.normal({200, 2}, float64), y = rng.normal({200, 2}, float64) + 1.0;
  auto cost = [&](const Tensor& index) { return mean(sum(square(x - index_select(y, 0, index)), -1)).item(); };
  const double best = cost(optimal_pairing(x, y)), drawn = cost(entropic_pairing(entropic_plan(x, y, 0.05), rng));
  EXPECT_GT(drawn, best - 0.3);
  EXPECT_LT(drawn, best + 0.3);
  EXPECT_TRUE(testing::contains(testing::error_of([&] { entropic_plan(x, y, 0); }), "expected above 0"));
}

TEST(EntropicPairing, APlanThatHasNotConvergedSaysWhereAndHowFar) {
  Rng rng(4);
  const Tensor x = rng.normal({50, 2}, float64), y = rng.normal({50, 2}, float64) + 3.0;
  const EntropicPlan rough = entropic_plan(x, y, 0.01, 3, 1e-3), fine = entropic_plan(x, y, 1, 2000, 1e-6);
  EXPECT_FALSE(rough.converged());
  EXPECT_EQ(rough.iterations, 3);
  EXPECT_TRUE(testing::contains(rough.complaint(), join("after 3 iterations the sum of row ", rough.worst_row)));
  EXPECT_TRUE(testing::contains(plan_sign(rough).warning, "transport plan off by"));
  EXPECT_TRUE(fine.converged());
  EXPECT_EQ(fine.complaint(), "");
  EXPECT_EQ(plan_sign(fine).warning, "");
  const EntropicPlan self = entropic_plan_to_itself(x, 0.5, 1000, 1e-9);
  EXPECT_TRUE(self.converged());
  EXPECT_LT(max(abs(sum(exp(self.log_plan), 1) * 50.0 - 1.0)).item(), 1e-8);
  // A training goes on with such plans, and its vital signs tell.
  FlowMatching model(2, {.hidden = 4, .depth = 1}, rng);
  const VelocityMatching matching(model, {.pairing = Pairing::entropic, .sigma = 0.02});
  EXPECT_TRUE(std::isfinite(matching.loss(cast(y, float32), rng).item()));
  EXPECT_TRUE(testing::contains(matching.vital_signs(cast(y, float32), rng).back().warning, "transport plan off by"));
}

}  // namespace
}  // namespace pf
