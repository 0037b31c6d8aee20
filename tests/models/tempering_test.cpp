// Tempered noise where its law is known: the spread of a linear map's samples, cut normal laws, volume-preserving maps.

#include "models/tempering.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "models/transform.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/models/lattice.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

TEST(Tempering, ScalesTheSpreadOfALinearMap) {
  const Affine map(tensor({2, -0.5}, float64), tensor({1, 3}, float64));
  Rng first(1), second(1);
  const Tensor normal = first.normal({1000, 2}, float64);
  const Tensor plain = map.push(Variable(normal)).value();
  const Tensor cold =
      map.push(Variable(tempered_noise(map.base(), 1000, second, {.temperature = 0.7}, float64))).value();
  const Tensor centre = tensor({1, 3}, float64);
  EXPECT_LT(max(abs((cold - centre) - (plain - centre) * 0.7)).item(), 1e-12);
  EXPECT_NEAR(std::sqrt(var(slice(cold, 1, 0, 1)).item() / var(slice(plain, 1, 0, 1)).item()), 0.7, 1e-12);
}

TEST(Tempering, CutsTheNormalLawAtItsTruncation) {
  const Tensor w = tempered_noise(Normal(1), normal_quantiles(20000), {.truncation = 1.5});
  EXPECT_LT(max(abs(w)).item(), 1.5);
  // Var = 1 − 2 c φ(c) / (Φ(c) − Φ(−c))
  const double density = std::exp(-0.5 * 1.5 * 1.5) / std::sqrt(2 * std::numbers::pi),
               inside = std::erf(1.5 / std::sqrt(2.0));
  EXPECT_NEAR(var(w).item(), 1 - 2 * 1.5 * density / inside, 1e-3);
  // A wide cut changes nothing.
  const Tensor wide = tempered_noise(Normal(1), normal_quantiles(1000), {.truncation = 9});
  EXPECT_LT(max(abs(wide - normal_quantiles(1000))).item(), 1e-9);
}

TEST(Tempering, GoesByQuantilesOnUniformNoise) {
  const Tensor u = tempered_noise(Uniform(1), normal_quantiles(999), {.temperature = 0.5});
  EXPECT_NEAR(u.at({499, 0}), 0.5, 1e-12);
  EXPECT_NEAR(u.at({0, 0}), ndtr(normal_quantiles(999) * 0.5).at({0, 0}), 1e-12);
  Rng first(2), second(2);
  EXPECT_EQ(tempered_noise(Uniform(2), 5, first, {}).to_vector<float>(),
            Uniform(2).sample(5, second, float32).to_vector<float>());
  EXPECT_GT(min(tempered_noise(Uniform(1), full({1, 1}, -40.0), {})).item(), 0);
  EXPECT_TRUE(testing::contains(testing::error_of([&] { tempered_noise(Normal(1), 5, first, {.temperature = 0}); }),
                                "temperature 0: expected a positive number"));
  EXPECT_TRUE(testing::contains(testing::error_of([&] { tempered_noise(Normal(1), 5, first, {.truncation = -1}); }),
                                "truncation at -1: expected a positive number"));
}

}  // namespace
}  // namespace pf
