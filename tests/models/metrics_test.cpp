// Metrics against laws whose distances are known: N(0, 1) and N(1, ½²), shifts, true samples of a mixture.

#include <cmath>
#include <map>

#include "models/metrics/energy_distance.h"
#include "models/metrics/evaluate.h"
#include "models/metrics/exact_w2.h"
#include "models/metrics/likelihood.h"
#include "models/metrics/mmd.h"
#include "models/metrics/mode_coverage.h"
#include "models/metrics/sliced_w2.h"
#include "nn/data/load.h"
#include "tensor/ops/rounding.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

/// Samples of N(0, 1) and N(1, ½²).
struct TwoGaussians {
  Tensor p, q;
  explicit TwoGaussians(int64_t n, uint64_t seed = 1) {
    Rng rng(seed);
    p = rng.normal({n, 1}, float64);
    q = rng.normal({n, 1}, float64) * 0.5 + 1.0;
  }
};

TEST(Metrics, DistancesOfTwoGaussiansAreTheKnownOnes) {
  const TwoGaussians s(3000);
  const Estimate mmd = mmd2(s.p, s.q, 1), energy = energy_distance(s.p, s.q);
  EXPECT_NEAR(mmd.value, 0.326197, 4 * mmd.error);
  EXPECT_NEAR(energy.value, 0.761179, 4 * energy.error);
  EXPECT_LT(mmd.error, 0.02);
  EXPECT_LT(energy.error, 0.06);
  const Estimate sliced = sliced_w2(s.p, s.q, ones({1, 1}, float64));  // one dimension: W₂ itself, W₂² = 1 + ¼
  EXPECT_NEAR(sliced.value, std::sqrt(1.25), 4 * sliced.error + 0.01);
  const TwoGaussians few(500);
  const Estimate exact = exact_w2(few.p, few.q);
  EXPECT_NEAR(exact.value, std::sqrt(1.25), 4 * exact.error + 0.01);
  EXPECT_NEAR(exact.value, sliced_w2(few.p, few.q, ones({1, 1}, float64)).value, 1e-9);
}

// The standard error says how far repetitions scatter.
TEST(Metrics, StandardErrorsAreHonest) {
  std::vector<double> mmd, energy, sliced;
  double mmd_error = 0, energy_error = 0, sliced_error = 0;
  const int repeats = 60;
  for (int i = 0; i < repeats; ++i) {
    const TwoGaussians s(160, uint64_t(10 + i));
    const Estimate a = mmd2(s.p, s.q, 1), b = energy_distance(s.p, s.q), c = sliced_w2(s.p, s.q, ones({1, 1}, float64));
    mmd.push_back(a.value), energy.push_back(b.value), sliced.push_back(c.value);
    mmd_error += a.error / repeats, energy_error += b.error / repeats, sliced_error += c.error / repeats;
  }
  auto spread = [&](const std::vector<double>& v) { return mean_of(v).error * std::sqrt(double(repeats)); };
  EXPECT_NEAR(mmd_error / spread(mmd), 1, 0.3);
  EXPECT_NEAR(energy_error / spread(energy), 1, 0.3);
  EXPECT_NEAR(sliced_error / spread(sliced), 1, 0.4);
  // Unbiased: the mean of many small samples is the true value.
  EXPECT_NEAR(mean_of(mmd).value, 0.326197, 4 * mean_of(mmd).error);
  EXPECT_NEAR(mean_of(energy).value, 0.761179, 4 * mean_of(energy).error);
}

TEST(Metrics, AShiftIsSeenAsLongAsItIs) {
  Rng rng(3);
  const int64_t d = 5;
  const Tensor x = rng.normal({400, d}, float64), shift = tensor({2, 0, -1, 0.5, 1}, float64);
  const double length2 = 4 + 1 + 0.25 + 1;
  EXPECT_NEAR(exact_w2(x, x + shift).value, std::sqrt(length2), 1e-9);
  const Estimate sliced = sliced_w2(x, x + shift, rng, 4000);
  EXPECT_NEAR(sliced.value * sliced.value, length2 / double(d), 0.05);
  EXPECT_EQ(sliced_w2(x, x, rng).value, 0);
  EXPECT_NEAR(mmd2(x, x, 1).value, -2 / 400.0 * (1 - (mmd2(x, x + 1000.0, 1).value / 2)), 1e-9);
}

TEST(Metrics, TheSameLawHasNoDistance) {
  Rng rng(4);
  const Tensor x = rng.normal({800, 2}, float64), y = rng.normal({800, 2}, float64);
  const double scale = median_distance(x);
  EXPECT_NEAR(scale, std::sqrt(2 * 2 * std::log(2.0)), 0.1);  // ‖x − x′‖²/2 is χ² with 2 degrees of freedom
  for (const Estimate& e : {mmd2_mixture(x, y, scale), energy_distance(x, y)})
    EXPECT_LT(std::abs(e.value), 5 * e.error);
  // The mixture is the mean of its kernels.
  double sum = 0;
  for (double h : {0.25, 0.5, 1.0, 2.0, 4.0}) sum += mmd2(x, y + 0.5, h * scale).value / 5;
  EXPECT_NEAR(mmd2_mixture(x, y + 0.5, scale).value, sum, 1e-12);
}

TEST(Metrics, ModesOfTheTrueLawAreAllFound) {
  const Synthetic& set = synthetic_set("grid25");
  Rng rng(5);
  const Tensor x = sample_2d("grid25", 10000, rng);
  const ModeCoverage c = mode_coverage(x, *set.modes);
  EXPECT_EQ(c.modes, 25);
  EXPECT_EQ(c.captured, 25);
  EXPECT_EQ(c.well_captured, 25);
  EXPECT_NEAR(c.high_quality.value, high_quality_ceiling, 4 * c.high_quality.error);
  EXPECT_LT(c.reverse_kl, 0.01);
  const ModeCoverage one =
      mode_coverage(zeros({100, 2}) + tensor({set.modes->centres[0][0], set.modes->centres[0][1]}), *set.modes);
  EXPECT_EQ(one.captured, 1);
  EXPECT_EQ(one.high_quality.value, 1);
  EXPECT_NEAR(one.reverse_kl, std::log(25.0), 1e-12);
  EXPECT_EQ(mode_coverage(full({10, 2}, 100.0), *set.modes).captured, 0);
}

TEST(Metrics, Likelihood) {
  const LogDensity density{tensor({-1, -2, -3}), DensityKind::exact, ""};
  const Estimate nats = negative_log_likelihood(density);
  EXPECT_NEAR(nats.value, 2, 1e-12);
  EXPECT_NEAR(nats.error, 1 / std::sqrt(3.0), 1e-12);
  EXPECT_NEAR(bits_per_dimension(nats, 4).value, 0.5 / std::log(2.0), 1e-12);
  EXPECT_EQ(negative_log_likelihood({tensor({-1, -INFINITY}), DensityKind::exact, ""}).value, INFINITY);
}

TEST(Metrics, Errors) {
  EXPECT_TRUE(contains(error_of([] {
                         energy_distance(zeros({2, 2}), zeros({5, 2}));
                       }),
                       "energy distance: 2 samples: expected at least 3"));
  EXPECT_TRUE(contains(error_of([] { mmd2(zeros({9, 2}), zeros({9, 3}), 1); }), "MMD²: samples [9, 2] and [9, 3]"));
  EXPECT_TRUE(contains(error_of([] { exact_w2(zeros({4, 2}), zeros({5, 2})); }), "expected equally many"));
  EXPECT_TRUE(contains(error_of([] { mmd2(zeros({9, 2}), zeros({9, 2}), 0); }), "expected a positive number"));
}

TEST(Metrics, AProportionIsUnsureAlsoAtItsEnds) {
  EXPECT_NEAR(proportion(500, 1000).error, std::sqrt(0.25 / 1000), 1e-4);
  EXPECT_EQ(proportion(0, 100).value, 0);
  EXPECT_NEAR(proportion(0, 100).error, 1.0 / 101, 1e-12);
  EXPECT_NEAR(proportion(100, 100).error, 1.0 / 101, 1e-12);
  EXPECT_GT(proportion(8, 8).error * 8, 0.5);  // eight of eight modes could well have been seven
}

// A model of 0 and 1 has a probability where others have a density, and is compared with pixels drawn as 0 or 1.
TEST(Metrics, BinaryModelsAreMeasuredOnBinarisedRows) {
  Rng rng(3);
  Dataset data{.name = "squares", .image = ImageShape{2, 2, 1}, .levels = 256};
  data.train = floor(rng.uniform({600, 4}) * 100.0) + 60.0;  // all grey
  data.test = floor(rng.uniform({600, 4}) * 100.0) + 60.0;
  auto measured = [&](const char* family) {
    const Model model(ModelConfig::make(family, data, 1), data.train);
    Rng own(5);
    std::map<std::string, Metric> out;
    for (const Metric& m : evaluate(model, data, own, {.samples = 300, .directions = 20})) out[m.name] = m;
    return out;
  };
  const auto binary = measured("autoregressive"), real = measured("flow");
  EXPECT_TRUE(binary.contains("NLL, binarised") && binary.contains("bits/dim, binarised"));
  EXPECT_FALSE(binary.contains("NLL") || binary.contains("bits/dim"));
  EXPECT_TRUE(real.contains("NLL") && real.contains("bits/dim"));
  EXPECT_LT(binary.at("bits/dim, binarised").value, 2);
  EXPECT_EQ(binary.at("NLL, binarised").kind, "exact");
  EXPECT_EQ(binary.at("sliced W2").kind, "binarised");
  EXPECT_EQ(real.at("sliced W2").kind, "");
  // An untrained model says 0 and 1 about equally often, as do the rows: 0.1 apart, and from grey rows half a pixel.
  EXPECT_LT(binary.at("sliced W2").value, 0.25);
}

// All of it on an untrained model: every metric is there, with its floor, and one state of the generator gives one result.
TEST(Metrics, EvaluateSaysEverything) {
  const Dataset data = load_dataset("8gaussians", {.train_rows = 3000, .test_rows = 3000});
  const Model model(ModelConfig::make("flow", data, 1), data.train);
  Rng first(7), second(7);
  const EvaluateOptions few{.samples = 300, .directions = 20};
  const std::vector<Metric> metrics = evaluate(model, data, first, few), again = evaluate(model, data, second, few);
  std::vector<std::string> names;
  for (size_t i = 0; i < metrics.size(); ++i) {
    const Metric& m = metrics[i];
    names.push_back(m.name);
    EXPECT_TRUE(std::isfinite(m.value) && std::isfinite(m.error) && std::isfinite(m.floor)) << m.name;
    EXPECT_EQ(m.value, again[i].value) << m.name;
    EXPECT_FALSE(m.note.empty()) << m.name;
    // Not of Fréchet's distance: mean and covariance are those of the data from the start, by the normalisation.
    if (m.lower_is_better && m.name != "Fréchet distance") { EXPECT_GT(m.value, m.floor) << m.name; }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"NLL", "sliced W2", "exact W2", "MMD²", "energy distance",
                                             "Fréchet distance", "classifier", "precision", "recall", "density",
                                             "coverage", "calibration", "modes", "high quality"}));
  EXPECT_EQ(metrics[0].kind, "exact");
  EXPECT_TRUE(contains(error_of([&] { evaluate(model, data, first, {.samples = 5}); }), "expected at least 16"));
}

}  // namespace
}  // namespace pf
