// Codes that are whole numbers: what rounding gives, what a codebook follows, the bound and the samples against the sum over
// all codes, and that a training that was stopped goes on to the same bits.

#include "models/vae/quantised_vae.h"
#include "models/train.h"
#include "nn/data/synthetic.h"
#include "nn/gradients.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/hyperbolic.h"
#include "tests/models/vae_toys.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::largest;
using testing::shake;
using testing::TemporaryFolder;

TEST(Quantiser, FiniteScalarsRoundToTheirLevelsAndBack) {
  Rng rng(41);
  for (int64_t levels : {2, 3, 4, 5, 8}) {
    const auto q = make_quantiser({.finite_scalar = true, .width = 2, .levels = levels}, rng);
    ASSERT_EQ(q->entries(), levels * levels);
    // Every code is reached, and a vector that was put on a code stays there.
    const Tensor e = rng.normal({4000, 2}, float64) * 3.0, code = q->code(e), v = q->vector(code, float64);
    std::vector<int> seen(size_t(q->entries()), 0);
    for (int64_t k : code.to_vector<int64_t>()) seen.at(size_t(k)) = 1;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), q->entries()) << levels;
    EXPECT_LE(largest(v), 1);
    EXPECT_LT(largest(q->straight_through(Variable(e)).value() - v), 1e-12);
    // The paper's f: (L − 1)/2 tanh(e + a) − b, its slope where the rounding has none.
    const double half = double(levels - 1) / 2, b = levels % 2 ? 0 : 0.5, a = std::atanh(b / half / 1.001);
    const Variable at = tracked(e);
    const Tensor slope = grad(sum(q->straight_through(at)), at);
    const Tensor expected = (1.0 - square(tanh(e + a))) * (half * 1.001 / double(levels / 2));
    EXPECT_LT(largest(slope - expected), 1e-9) << levels;
  }
  EXPECT_TRUE(contains(error_of([&] { make_quantiser({.finite_scalar = true, .width = 20, .levels = 8}, rng); }),
                       "more than 65536 codes"));
}

// Ten batches that never change: the averages by their closed form, m = Σ e (1 − γᵗ) / …, so entries become the means of what
// chose them.
TEST(Quantiser, EntriesBecomeTheMeansOfTheirVectors) {
  Rng rng(42);
  const auto q = make_quantiser({.width = 2, .entries = 3, .decay = 0.5}, rng);
  const Tensor centres = tensor({0, 0, 10, 0, 0, 10}, {3, 2});
  std::vector<Tensor> parts;
  for (int64_t k = 0; k < 3; ++k) parts.push_back(rng.normal({50, 2}) + slice(centres, 0, k, k + 1));
  const Tensor e = concat(parts, 0);
  for (int step = 0; step < 60; ++step) q->update(e, rng);
  for (int64_t k = 0; k < 3; ++k) {
    const Tensor code = q->code(slice(centres, 0, k, k + 1));
    EXPECT_LT(largest(q->vector(code, float32) - mean(parts[size_t(k)], 0, true)), 1e-3) << k;
  }
  EXPECT_LT(largest(q->commitment(Variable(e)).value()), 30);
}

TEST(Quantiser, ADeadEntryIsPutOnAVectorOfTheBatch) {
  Rng rng(43);
  const auto q = make_quantiser({.width = 1, .entries = 4, .decay = 0.9}, rng);
  const auto used = [&](const Tensor& e) {
    std::vector<int> seen(4, 0);
    for (int64_t k : q->code(e).to_vector<int64_t>()) seen[size_t(k)] = 1;
    return std::count(seen.begin(), seen.end(), 1);
  };
  // All entries on one place; then the data move away, and all follow.
  for (int step = 0; step < 5; ++step) q->update(rng.normal({200, 1}) * 0.01, rng);
  const Tensor far = rng.normal({200, 1}) * 5.0 + 100.0;
  EXPECT_EQ(used(far), 1);
  for (int step = 0; step < 60; ++step) q->update(far, rng);
  EXPECT_EQ(used(far), 4);
}

TEST(Quantiser, TheGradientPassesStraightThroughACodebook) {
  Rng rng(44);
  const auto q = make_quantiser({.width = 3, .entries = 5}, rng);
  const Tensor e = rng.normal({7, 3}), g = rng.normal({7, 3});
  const Variable at = tracked(e);
  EXPECT_LT(largest(grad(sum(q->straight_through(at) * Variable(g)), at) - g), 1e-6);
  const Tensor v = q->vector(q->code(e), float32);
  EXPECT_LT(largest(grad(sum(q->commitment(at)), at) - (e - v) * 2.0), 1e-5);
}

class QuantisedVaes : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(, QuantisedVaes, ::testing::Bool(), [](const auto& v) { return v.param ? "fsq" : "vq"; });

// All codes of a small model can be summed over: that is its density. Two columns of three levels have nine outcomes, whose
// probabilities sum to one; the bound is below each, and samples occur as often as they should.
TEST_P(QuantisedVaes, TheDensityIsTheSumOverAllCodesOneShareIsBelowItAndSamplesFollowIt) {
  Rng rng(45);
  const QuantisedVaeSettings settings{.likelihood = Likelihood::categorical,
                                      .data_levels = 3,
                                      .codes = 2,
                                      .quantiser = {.finite_scalar = GetParam(), .width = 2, .entries = 4, .levels = 2},
                                      .hidden = 12};
  QuantisedVae vae(2, settings, rng);
  shake(vae, 1, 0.3, rng);
  std::vector<double> outcomes, codes;
  for (int i = 0; i < 9; ++i) outcomes.insert(outcomes.end(), {double(i / 3), double(i % 3)});
  for (int i = 0; i < 16; ++i) codes.insert(codes.end(), {double(i / 4), double(i % 4)});
  const Tensor x = tensor(outcomes, {9, 2}, float64), all = tensor(codes, {16, 2}, float64);
  const Tensor log_code = vae.prior().log_likelihood(Variable(all)).value(), decoded = vae.decode_codes(all).value();
  EXPECT_NEAR(logsumexp(log_code, 0).item(), 0, 1e-9);
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < 9; ++i)
    rows.push_back(
        logsumexp(log_code + vae.head().log_likelihood(Variable(slice(x, 0, i, i + 1)), Variable(decoded)).value(), 0));
  const Tensor exact = stack(rows, 0);
  EXPECT_NEAR(logsumexp(exact, 0).item(), 0, 1e-9);
  const LogDensity bound = vae.log_density(x, rng);
  EXPECT_EQ(bound.kind, DensityKind::bound);
  EXPECT_LT(largest(bound.value - exact), 1e-9);
  const Tensor code = vae.codes(vae.vectors(Variable(x)).value(), float64);
  EXPECT_LT(max(vae.share_of_code(Variable(x), code, vae.decode_codes(code)).value() - exact).item(), 0);

  const int64_t n = 40000;
  const Tensor samples = vae.push(Variable(vae.base().sample(n, rng, float64))).value();
  const Tensor which = pick(samples, 1, 0) * 3.0 + pick(samples, 1, 1);
  for (int64_t i = 0; i < 9; ++i) {
    const double p = std::exp(exact.at({i})), found = mean(cast(equal(which, double(i)), float64)).item();
    EXPECT_NEAR(found, p, 5 * std::sqrt(p * (1 - p) / double(n))) << i;
  }
}

TEST_P(QuantisedVaes, AStoppedTrainingGoesOnToTheSameBits) {
  Rng rng(46);
  const Dataset data{.name = "moons", .train = sample_2d("moons", 500, rng), .test = sample_2d("moons", 100, rng)};
  ModelConfig config = ModelConfig::make("vae", data, 7);
  for (const char* set : {"hidden=8", "entries=8", "code-width=2"}) config.settings.set(set);
  config.settings.set("variant", GetParam() ? "fsq" : "vq");
  const TrainOptions options{.steps = 12, .batch = 32};
  Model whole(config, data.train);
  Trainer(whole, data, options).run();

  TemporaryFolder folder;
  int64_t steps = 0;
  {
    Model first(config, data.train);
    EXPECT_TRUE(Trainer(first, data, options, folder / "run").run({}, [&] { return ++steps == 5; }).interrupted);
  }
  Model second(config, data.train);
  Trainer(second, data, options, folder / "run", true).run();
  const auto a = fields_of(std::as_const(whole).transform()), b = fields_of(std::as_const(second).transform());
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (!is_floating(a[i].value().dtype())) continue;
    EXPECT_EQ(a[i].value().to_vector<float>(), b[i].value().to_vector<float>()) << a[i].path;
  }
}

TEST(QuantisedVae, AnUnusedCodebookIsNamed) {
  Rng rng(47);
  QuantisedVae vae(2, {.quantiser = {.finite_scalar = true, .width = 3, .levels = 4}, .hidden = 8}, rng);
  const auto signs = QuantisedBound(vae, 0.25).vital_signs(zeros({50, 2}), rng);
  EXPECT_EQ(signs[0].value, 1);
  EXPECT_EQ(signs[0].warning, "codebook: 1 of 64 codes used");
  EXPECT_NEAR(signs[1].value, 1, 1e-9);
}

}  // namespace
}  // namespace pf
