#include "nn/loss.h"

#include <cmath>

#include "autograd/autograd.h"
#include "tensor/random.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

const Tensor a = tensor({1, -2, 3, 0.5, 0.25, -1}, {2, 3}, float64), b = tensor({0, 1, 3, 1, 0, 1}, {2, 3}, float64);

TEST(Loss, Distances) {
  EXPECT_NEAR(mse(a, b).item(), (1 + 9 + 0 + 0.25 + 0.0625 + 4) / 6, 1e-15);
  EXPECT_NEAR(mae(a, b).item(), (1 + 3 + 0 + 0.5 + 0.25 + 2) / 6, 1e-15);
  EXPECT_NEAR(huber(a, b).item(), (0.5 + 2.5 + 0 + 0.125 + 0.03125 + 1.5) / 6, 1e-15);
  EXPECT_NEAR(huber(a, b, 2).item(), (0.5 + 4 + 0 + 0.125 + 0.03125 + 2) / 6, 1e-15);
  EXPECT_EQ(error_of([] { mse(zeros({4, 1}), zeros({4})); }), "mse: [4, 1] and [4]: expected two of one shape");
}

TEST(Loss, Probabilities) {
  double expected = 0;
  const auto logits = a.to_vector<double>(), x = b.to_vector<double>();
  for (size_t i : {0, 1, 3, 4, 5}) {
    const double p = 1 / (1 + std::exp(-logits[i]));
    expected -= x[i] * std::log(p) + (1 - x[i]) * std::log(1 - p);
  }
  const Tensor coins = tensor({0, 1, 1, 1, 0, 1}, {2, 3}, float64);
  const double third = -std::log(1 / (1 + std::exp(-3.0)));
  EXPECT_NEAR(binary_cross_entropy_with_logits(a, coins).item(), (expected + third) / 6, 1e-14);
  EXPECT_NEAR(sum(bernoulli_log_prob(coins, a)).item(), -(expected + third), 1e-14);
  EXPECT_EQ(bernoulli_log_prob(coins, a).shape(), Shape{2});
  EXPECT_EQ(binary_cross_entropy_with_logits(full({1}, 1000), ones({1})).item(), 0);
  EXPECT_EQ(binary_cross_entropy_with_logits(full({1}, -1000), ones({1})).item(), 1000);

  const Tensor labels = tensor({2, 0}, int64);
  const double first = std::log(std::exp(1) + std::exp(-2) + std::exp(3)) - 3;
  const double second = std::log(std::exp(0.5) + std::exp(0.25) + std::exp(-1)) - 0.5;
  EXPECT_NEAR(cross_entropy(a, labels).item(), (first + second) / 2, 1e-14);
  EXPECT_TRUE(
      contains(error_of([&] { cross_entropy(a, zeros({2})); }), "cross_entropy: logits [2, 3] and labels [2] float32"));
}

TEST(Loss, Normals) {
  const double mean = 0.3, log_variance = -0.7;
  const Variable m = full({3}, mean, float64), v = full({3}, log_variance, float64);
  double expected = 0;
  for (double x : {1.0, -2.0, 3.0})
    expected += -0.5 * (std::log(2 * M_PI) + log_variance + (x - mean) * (x - mean) / std::exp(log_variance));
  EXPECT_NEAR(normal_log_prob(a, m, v).value().at({0}), expected, 1e-13);
  EXPECT_EQ(normal_log_prob(a, m, v).shape(), Shape{2});
  const double kl = 0.5 * (mean * mean + std::exp(log_variance) - 1 - log_variance);
  EXPECT_NEAR(kl_normal(m, v).item(), 3 * kl, 1e-14);
  EXPECT_EQ(kl_normal(zeros({4}), zeros({4})).item(), 0);
  EXPECT_NEAR(gaussian_nll(a, m, v).item(), -pf::mean(normal_log_prob(a, m, v)).item(), 1e-14);
  // The divergence is the mean difference of log-densities.
  Rng rng(1);
  const Tensor z = rng.normal({400000, 1}, float64) * std::exp(log_variance / 2) + mean;
  const Variable m1 = full({1}, mean, float64), v1 = full({1}, log_variance, float64), zero = zeros({1}, float64);
  EXPECT_NEAR(pf::mean(normal_log_prob(z, m1, v1) - normal_log_prob(z, zero, zero)).item(), kl, 5e-3);
}

TEST(Loss, Derivatives) {
  const Tensor labels = tensor({2, 0}, int64), coins = tensor({0, 1, 1, 1, 0, 1}, {2, 3}, float64);
  using Loss = std::function<Variable(const Variable&)>;
  const std::vector<std::pair<const char*, Loss>> losses = {
      {"mse", [](const Variable& x) { return mse(x, b); }},
      {"mse target", [](const Variable& x) { return mse(b, x); }},
      {"mae", [](const Variable& x) { return mae(x, b * 1.01); }},
      {"huber", [](const Variable& x) { return huber(x, b * 1.01, 0.7); }},
      {"bce", [&](const Variable& x) { return binary_cross_entropy_with_logits(x, coins); }},
      {"cross_entropy", [&](const Variable& x) { return cross_entropy(x, labels); }},
      {"gaussian_nll x", [](const Variable& x) { return gaussian_nll(x, b, b * 0.3); }},
      {"gaussian_nll mean", [](const Variable& x) { return gaussian_nll(b, x, b * 0.3); }},
      {"gaussian_nll variance", [](const Variable& x) { return gaussian_nll(b, b * 0.5, x); }},
      {"kl mean", [](const Variable& x) { return sum(kl_normal(x, b)); }},
      {"kl variance", [](const Variable& x) { return sum(kl_normal(b, x)); }},
      {"bernoulli data", [](const Variable& x) { return sum(bernoulli_log_prob(x, b)); }},
  };
  Rng rng(1);
  const Tensor direction = rng.normal(a.shape(), float64);
  for (const auto& [name, loss] : losses) {
    const Variable x = tracked(a);
    const double numeric = (loss(a + direction * 1e-6).item() - loss(a - direction * 1e-6).item()) / 2e-6;
    EXPECT_NEAR(sum(grad(loss(x), x) * direction).item(), numeric, 1e-8 * (1 + std::abs(numeric))) << name;
  }
}

}  // namespace
}  // namespace pf
