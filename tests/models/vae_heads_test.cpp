// Decoder heads for whole numbers: probabilities in closed form, the bound against the exact probability, samples against both.

#include "models/vae/evidence_bound.h"
#include "tensor/ops/comparison.h"
#include "tests/models/vae_toys.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::largest;
using testing::Quadrature;

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

TEST(VaeHeads, ALogisticsMassesAreTheDifferencesOfItsDistributionFunctionAndSumToOne) {
  const int64_t levels = 256;
  const auto head = make_decoder_head(Likelihood::logistic, 1, levels);
  ASSERT_EQ(head->outputs(), 2);
  const Variable x(reshape(arange(0, double(levels), 1, float64), {levels, 1}));
  for (auto [m, s] : {std::pair{0.1, -2.0}, {-0.97, -4.0}, {0.8, 0.5}, {1.3, -6.5}}) {
    const Tensor decoded = contiguous(expand(tensor({m, s}, {1, 2}, float64), {levels, 2}));
    const Tensor log_mass = head->log_likelihood(x, Variable(decoded)).value();
    EXPECT_NEAR(logsumexp(log_mass, 0).item(), 0, 1e-12);
    for (int64_t k : {0, 1, 100, 130, 254, 255}) {
      const double at = 2.0 * double(k) / 255 - 1, h = 1.0 / 255, r = std::exp(-s);
      const double above = k == 255 ? 1 : sigmoid_of((at + h - m) * r),
                   below = k == 0 ? 0 : sigmoid_of((at - h - m) * r);
      if (above - below > 1e-6) { EXPECT_NEAR(log_mass.at({k}), std::log(above - below), 1e-8) << m << ' ' << k; }
    }
  }
  // Far from the mean, where the difference itself is 0: log σ(b₊) alone is left, b₊ = (−1 + 1/255 − 1) e⁶.
  const Tensor far =
      head->log_likelihood(Variable(zeros({1, 1}, float64)), Variable(tensor({1, -6}, {1, 2}, float64))).value();
  EXPECT_NEAR(far.item(), (-2 + 1.0 / 255) * std::exp(6.0), 1e-9);
}

class WholeNumbers : public ::testing::TestWithParam<Likelihood> {};
INSTANTIATE_TEST_SUITE_P(VaeHeads, WholeNumbers, ::testing::Values(Likelihood::categorical, Likelihood::logistic));

TEST_P(WholeNumbers, ProbabilitiesSumToOneTheBoundStaysBelowThemAndSamplesFollowThem) {
  Rng rng(21);
  const int64_t levels = 4, pairs = levels * levels;
  Vae vae(2, {.likelihood = GetParam(), .data_levels = levels, .latent = 2, .hidden = 12}, rng);
  testing::shake(vae, 1, 0.15, rng);
  testing::shake(vae, 0.2, 0, rng, "encoder");  // near the prior: wrong, but not hopeless
  const Tensor place = arange(0, double(pairs), 1, float64), first = floor(place * (1.0 / double(levels)) + 1e-9);
  const Tensor all = stack({first, place - first * double(levels)}, 1);
  const Tensor exact = Quadrature(vae, all, 80, 14).log_density;
  EXPECT_NEAR(logsumexp(exact, 0).item(), 0, 1e-6);

  const int64_t repeats = 300;
  std::vector<Tensor> one, many;
  for (int64_t i = 0; i < repeats; ++i) one.push_back(vae.importance_bound(all, 1, rng).value());
  for (int64_t i = 0; i < 3; ++i) many.push_back(vae.importance_bound(all, 2000, rng).value());
  const Tensor bounds = stack(one, 0), error = sqrt(var(bounds, 0) * (1.0 / double(repeats)));
  EXPECT_GT(min(exact - mean(bounds, 0) + error * 5.0).item(), 0);
  EXPECT_LT(largest(mean(stack(many, 0), 0) - exact), 0.1);

  const int64_t n = 40000;
  const Tensor x = vae.push(Variable(vae.base().sample(n, rng, float64))).value();
  const Tensor which = pick(x, 1, 0) * double(levels) + pick(x, 1, 1);
  for (int64_t k = 0; k < pairs; ++k) {
    const double p = std::exp(exact.at({k})), found = mean(cast(equal(which, double(k)), float64)).item();
    EXPECT_NEAR(found, p, 5 * std::sqrt(p * (1 - p) / double(n))) << k;
  }
}

TEST(VaeHeads, WholeNumbersNeedLevels) {
  Rng rng(1);
  EXPECT_TRUE(contains(error_of([&] { Vae(2, {.likelihood = Likelihood::categorical}, rng); }), "0 levels"));
}

}  // namespace
}  // namespace pf
