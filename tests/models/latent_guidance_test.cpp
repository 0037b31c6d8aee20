// Guided samples of maps whose conditional laws are known.

#include "models/latent_guidance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "models/autoregressive/autoregressive.h"
#include "models/gan/generator.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tests/models/autoregressive_models.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

// x = A z + b seen in its first coordinate with noise s: z is normal with precision I + a aᵀ/s² and mean Σ a (y − b₁)/s².
TEST(LatentGuidance, OfALinearMapHasTheGaussianPosterior) {
  Rng rng(1);
  Generator map(3, 2, 1, 0, rng);
  const Tensor a = tensor({1, 0.5, -0.4, 1.2, 0.3, 0.3}, {3, 2}, float64), b = tensor({0.5, -1, 2}, {3}, float64);
  for (Field& field : fields_of(map)) *field.parameter = Variable(field.value().rank() == 2 ? a : b);
  const double y = 2, s = 0.5;
  const int64_t n = 2500;
  const Guided found = guide(map, observation_energy(tensor({y, NAN, NAN}, {3}, float64), s), n, rng, {}, {}, float64);
  const Tensor first = slice(a, 0, 0, 1);  // aᵀ
  const Tensor covariance = inverse(eye(2, float64) + matmul(transpose(first), first) * (1 / (s * s)));
  const Tensor centre = matmul(covariance, transpose(first)) * ((y - 0.5) / (s * s));
  const Tensor away = found.z - mean(found.z, 0), spread = matmul(transpose(away), away) * (1 / double(n));
  EXPECT_LT(max(abs(mean(found.z, 0) - reshape(centre, {2}))).item(), 0.08);
  EXPECT_LT(max(abs(spread - covariance)).item(), 0.08);
  EXPECT_LT(max(abs(found.x - map.push(Variable(found.z)).value())).item(), 1e-12);
  // The evidence: y ~ N(b₁, aᵀa + s²), but for the constant that the energy leaves out.
  const double variance = 1 + 0.25 + s * s;
  EXPECT_NEAR(found.log_evidence, -0.5 * (y - 0.5) * (y - 0.5) / variance + std::log(s) - 0.5 * std::log(variance),
              0.05);
  EXPECT_GT(found.acceptance, 0.4);
}

// Uniform noise: an autoregressive model of independent normal coordinates, told the sum of both.
TEST(LatentGuidance, WalksOnUniformNoiseToo) {
  Rng rng(2);
  Autoregressive model(2, {.components = 1, .hidden = 4, .depth = 1}, rng);
  for (Field& field : parameters_of(model)) *field.parameter = Variable(zeros(field.value().shape(), float64));
  const Tensor plain = model.push(Variable(model.base().sample(20000, rng, float64))).value();
  const double deviation = std::sqrt(var(plain).item()), s = 0.3;
  const RowEnergy energy = [&](const Variable& x) { return square(sum(x, -1) - 1.0) * (0.5 / (s * s)); };
  const Guided found = guide(model, energy, 1000, rng, {.distributions = 40, .moves = 20}, {}, float64);
  const double v = deviation * deviation;
  EXPECT_NEAR(mean(sum(found.x, -1)).item(), 2 * v / (2 * v + s * s), 0.06);
  EXPECT_NEAR(var(sum(found.x, -1)).item(), 2 * v * s * s / (2 * v + s * s), 0.025);
}

// A step function is walked by its relaxed map; the points that are left have the law P(x) exp(−E(x)) all the same.
TEST(LatentGuidance, OfWholeNumbersHasTheLawByEnumeration) {
  Rng rng(3);
  Autoregressive model(2, {.conditional = Conditional::categorical, .levels = 3, .hidden = 8, .depth = 1}, rng);
  testing::to_double(model, rng);
  const RowEnergy energy = [](const Variable& x) { return square(sum(x, -1) - 3.0); };
  std::vector<double> pairs;
  for (int i = 0; i < 9; ++i) pairs.insert(pairs.end(), {double(i / 3), double(i % 3)});
  const Tensor all = tensor(pairs, {9, 2}, float64);
  const Tensor log_p = model.log_density(all, rng).value - energy(Variable(all)).value();
  const std::vector<double> expected = softmax(log_p, 0).to_vector<double>();
  const int64_t n = 4000;
  const Guided found = guide(model, energy, n, rng, {.distributions = 40, .moves = 15}, {}, float64);
  EXPECT_NEAR(found.log_evidence, logsumexp(log_p, 0).item(), 0.05);
  std::vector<double> counts(9);
  for (int64_t i = 0; i < n; ++i) counts[size_t(3 * found.x.at({i, 0}) + found.x.at({i, 1}))] += 1 / double(n);
  for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(counts[i], expected[i], 0.03) << i;
}

TEST(LatentGuidance, Errors) {
  EXPECT_TRUE(testing::contains(testing::error_of([] { observation_energy(zeros({2}), 0); }),
                                "a noise of 0: expected a positive number"));
}

}  // namespace
}  // namespace pf
