#include "nn/data/synthetic.h"

#include <algorithm>
#include <cmath>

#include "tests/support/temporary.h"

namespace pf {
namespace {

class SyntheticSets : public ::testing::TestWithParam<Synthetic> {};

std::vector<Synthetic> everything() { return {synthetic_sets().begin(), synthetic_sets().end()}; }

INSTANTIATE_TEST_SUITE_P(All, SyntheticSets, ::testing::ValuesIn(everything()),
                         [](const auto& set) { return set.param.name; });

// The sampler and the density are written independently; that they meet at the tabulated entropy tests all three.
TEST_P(SyntheticSets, MeanOfMinusLogDensityIsTheEntropy) {
  const Synthetic& set = GetParam();
  Rng rng(7);
  const int64_t n = 20'000;
  const auto log_p = log_density_2d(set.name, sample_2d(set.name, n, rng)).to_vector<double>();
  double mean = 0, square = 0;
  for (double l : log_p) {
    ASSERT_TRUE(std::isfinite(l));
    mean -= l / n;
    square += l * l / n;
  }
  const double error = std::sqrt(std::max(0., square - mean * mean) / n);
  EXPECT_NEAR(mean, set.entropy, 4 * error + 2e-6);
}

TEST_P(SyntheticSets, DensityIntegratesToOne) {
  const Synthetic& set = GetParam();
  // Narrow modes do not touch: one of them is looked at, and stands for all.
  const bool narrow = set.modes && set.modes->sigma < 0.1;
  const auto centre = narrow ? set.modes->centres[0] : std::array<double, 2>{0, 0};
  const double parts = narrow ? double(set.classes) : 1, half = narrow ? 8 * set.modes->sigma : 6;
  const double step = narrow ? set.modes->sigma / 4 : set.name == "rings" || set.name == "2spirals" ? 0.04 : 0.08;
  const auto m = int64_t(2 * half / step);
  std::vector<double> points;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < m; ++j)
      points.insert(points.end(), {centre[0] - half + (i + 0.5) * step, centre[1] - half + (j + 0.5) * step});
  double mass = 0, entropy = 0;
  for (double l : log_density_2d(set.name, tensor(points, {m * m, 2}, float64)).to_vector<double>())
    if (l > -700) {
      mass += std::exp(l) * step * step;
      entropy -= l * std::exp(l) * step * step;
    }
  EXPECT_NEAR(mass * parts, 1, 1e-5);
  EXPECT_NEAR(entropy * parts, set.entropy, 1e-4);
}

TEST_P(SyntheticSets, PointsAreInTheWindowAndLabelsEven) {
  const Synthetic& set = GetParam();
  Rng rng(3);
  const int64_t n = 20'000;
  const Points points = sample_points(set.name, n, rng);
  EXPECT_EQ(points.x.dtype(), float32);
  EXPECT_EQ(points.x.shape(), (Shape{n, 2}));
  int64_t outside = 0;
  for (float v : points.x.to_vector<float>()) outside += std::abs(v) > set.extent;
  EXPECT_LE(outside, n / 1000);
  std::vector<int64_t> counts(size_t(set.classes));
  for (int64_t label : points.labels.to_vector<int64_t>()) ++counts.at(size_t(label));
  const double expected = double(n) / set.classes;
  for (int64_t count : counts) EXPECT_NEAR(double(count), expected, 5 * std::sqrt(expected));
}

TEST_P(SyntheticSets, TheSameGeneratorGivesTheSamePoints) {
  Rng a(11), b(11), c(12);
  const std::string name = GetParam().name;
  const auto first = sample_2d(name, 100, a).to_vector<float>();
  EXPECT_EQ(sample_2d(name, 100, b).to_vector<float>(), first);
  EXPECT_NE(sample_2d(name, 100, c).to_vector<float>(), first);
  EXPECT_NE(sample_2d(name, 100, a).to_vector<float>(), first);
  EXPECT_EQ(sample_2d(name, 0, a).shape(), (Shape{0, 2}));
}

struct Moments {
  double mean[2] = {}, square = 0;  // square: mean of x² + y²
};
Moments moments(const std::string& name, int64_t n) {
  Rng rng(5);
  const auto x = sample_2d(name, n, rng).to_vector<float>();
  Moments out;
  for (size_t i = 0; i < x.size(); i += 2) {
    out.mean[0] += x[i] / double(n);
    out.mean[1] += x[i + 1] / double(n);
    out.square += (double(x[i]) * x[i] + double(x[i + 1]) * x[i + 1]) / double(n);
  }
  return out;
}

// Moments worked out by hand from the definitions.
TEST(Synthetic, MomentsAreThoseOfTheDefinitions) {
  const int64_t n = 100'000;
  const auto expect = [&](const std::string& name, double x, double y, double square) {
    const Moments m = moments(name, n);
    EXPECT_NEAR(m.mean[0], x, 0.04) << name;
    EXPECT_NEAR(m.mean[1], y, 0.04) << name;
    EXPECT_NEAR(m.square, square, 0.02 * square + 0.005) << name;
  };
  const double pi = M_PI;
  expect("8gaussians", 0, 0, (16 + 2 * 0.25) / (1.414 * 1.414));
  // Half circles: means (0, 2/π) and (1, ½ − 2/π); doubled and shifted: the mean of x is 0, of y 0.3.
  // x: ½(4·½ − 4·0 + 1) + ½(1 + 4·½ …) by parts: E x² = 3 + .04, E y² from y = 2 s − .2 and .8 − 2 s, s = sin a.
  const double s1 = 2 / pi, s2 = 0.5;
  expect("moons", 0, 0.3, 3 + 0.5 * (4 * s2 - 0.8 * s1 + 0.04) + 0.5 * (0.64 - 3.2 * s1 + 4 * s2) + 0.08);
  expect("circles", 0, 0, 9 * (1 + 0.25) / 2 + 2 * 0.0576);
  expect("rings", 0, 0, 9 * (1 + 0.5625 + 0.25 + 0.0625) / 4 + 2 * 0.0064);
  expect("checkerboard", 0, 0, 2 * 16. / 3);
  expect("2spirals", 0, 0, [&] {
    // n = 3π√u: E n² = (3π)²/2; cross terms E[n(−cos n + sin n)] with density 2n/(3π)²; uniform squares: 2·¼·⅓.
    double cross = 0;
    const int steps = 20'000;
    for (int i = 0; i < steps; ++i) {
      const double t = 3 * pi * (i + 0.5) / steps;
      cross += t * (std::sin(t) - std::cos(t)) * 2 * t / (9 * pi * pi) * 3 * pi / steps;
    }
    return (9 * pi * pi / 2 + 0.5 * cross + 2 * 0.25 / 3) / 9 + 0.02;
  }());
  expect("ring8", 0, 0, 1 + 2e-4);
  expect("grid25", 0, 0, 2 * 8 + 2 * 0.0025);
  expect("pinwheel", 0, 0, 4 * (1 + 0.09 + 0.01));
}

TEST(Synthetic, CheckerboardHasEightSquares) {
  int squares = 0;
  for (int i = -5; i < 5; ++i)
    for (int j = -5; j < 5; ++j)
      squares += std::isfinite(log_density_2d("checkerboard", tensor({i + 0.5, j + 0.5}, {1, 2})).item());
  EXPECT_EQ(squares, 8 * 4);  // each is 2 × 2
}

TEST(Synthetic, DensitiesFarAway) {
  for (const Synthetic& set : synthetic_sets()) {
    const auto l =
        log_density_2d(set.name, tensor({20, -15, 1e30, 0, INFINITY, 0, NAN, 0}, {4, 2}, float64)).to_vector<double>();
    EXPECT_LT(l[0], -50) << set.name;
    if (set.name != "checkerboard" && set.name != "pinwheel") { EXPECT_TRUE(std::isfinite(l[0])) << set.name; }
    EXPECT_FALSE(std::isnan(l[1])) << set.name;
    EXPECT_EQ(l[2], -INFINITY) << set.name;
    EXPECT_TRUE(std::isnan(l[3])) << set.name;
  }
}

TEST(Synthetic, ErrorsSayWhatIsWrong) {
  Rng rng(1);
  EXPECT_EQ(testing::error_of([&] { sample_2d("mons", 3, rng); }), "unknown 2-D set 'mons'; did you mean 'moons'?");
  EXPECT_EQ(testing::error_of([&] {
              log_density_2d("moons", zeros({3, 3}));
            }),
            "log_density_2d: [3, 3]: expected points [n, 2]");
}

}  // namespace
}  // namespace pf
