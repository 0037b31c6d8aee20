// Metrics of sample quality against laws for which their value is known.

#include <gtest/gtest.h>

#include <cmath>

#include "models/metrics/calibration.h"
#include "models/metrics/classifier_two_sample.h"
#include "models/metrics/frechet.h"
#include "models/metrics/mode_coverage.h"
#include "models/metrics/neighbours.h"
#include "models/transform.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/reduce.h"
#include "tests/models/lattice.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

// N(0, 1) and N(1, ½²): (Δμ)² + (Δσ)² = 1.25.
TEST(Frechet, OfTwoGaussiansIsTheKnownOne) {
  const Tensor x = normal_quantiles(20000);
  EXPECT_NEAR(gaussian_frechet(x, x * 0.5 + 1.0).value, 1.25, 1e-3);
  EXPECT_NEAR(gaussian_frechet(x, x).value, 0, 1e-6);
  Rng rng(1);
  const Estimate found = gaussian_frechet(rng.normal({2000, 1}), rng.normal({2000, 1}) * 0.5 + 1.0);
  EXPECT_NEAR(found.value, 1.25, 4 * found.error);
}

// Covariances that do not commute: tr (C₁ C₂)^½ is the sum of the roots of the eigenvalues, √(tr + 2 √det) in the plane.
TEST(Frechet, OfAnyCovariancesIsTheFormula) {
  const Tensor a = tensor({2, 0.8, 0.8, 1}, {2, 2}, float64), b = tensor({0.5, -0.3, -0.3, 3}, {2, 2}, float64);
  const Tensor here = tensor({1, -1}, float64), there = tensor({0.5, 1}, float64), product = matmul(a, b);
  const double root = std::sqrt(product.at({0, 0}) + product.at({1, 1}) + 2 * std::sqrt(det(product).item()));
  EXPECT_NEAR(gaussian_frechet(here, a, there, b), 0.25 + 4 + 2 + 1 + 0.5 + 3 - 2 * root, 1e-7);
  const Tensor flat = tensor({1, 0, 0, 0}, {2, 2}, float64);  // a column that does not vary
  EXPECT_NEAR(gaussian_frechet(here, flat, here, flat), 0, 1e-3);
}

// KL(p ‖ q) of the same two: ln ½ + 2/(2 · ¼) − ½.
TEST(TwoGaussians, TheKullbackLeiblerDivergenceIsTheKnownOne) {
  const Tensor x = normal_quantiles(200000);
  const Mixture q(tensor({1}, {1, 1}), tensor({1}), tensor({0.5}));
  const double kl = mean(Normal(1).log_density(Variable(x)).value() - q.log_density(Variable(x)).value()).item();
  EXPECT_NEAR(kl, 2.8069, 1e-3);
}

TEST(Neighbours, TheSameLawHasTheKnownValues) {
  Rng rng(2);
  for (int64_t k : {3, 5}) {
    const NeighbourMetrics m = neighbour_metrics(rng.normal({1500, 2}), rng.normal({1500, 2}), k);
    EXPECT_NEAR(m.density.value, 1, 0.05) << k;
    EXPECT_NEAR(m.coverage.value, 1 - std::pow(0.5, double(k)), 0.012) << k;  // 0.969 for k = 5
    EXPECT_GT(m.precision.value, 0.9) << k;
    EXPECT_GT(m.recall.value, 0.9) << k;
  }
}

// A model that keeps to one half of the data is precise and does not cover; one that is too wide covers and is not precise.
TEST(Neighbours, FidelityAndDiversityAreToldApart) {
  Rng rng(3);
  const Tensor real = rng.normal({800, 2}), half = abs(rng.normal({800, 1}));
  const Tensor narrow = concat(std::vector<Tensor>{half, rng.normal({800, 1})}, 1);
  const NeighbourMetrics missing = neighbour_metrics(real, narrow);
  EXPECT_GT(missing.precision.value, 0.9);
  EXPECT_NEAR(missing.recall.value, 0.5, 0.1);
  EXPECT_NEAR(missing.coverage.value, 0.5, 0.1);
  const NeighbourMetrics wide = neighbour_metrics(real, rng.normal({800, 2}) * 3);
  EXPECT_LT(wide.precision.value, 0.7);
  EXPECT_GT(wide.recall.value, 0.9);
  EXPECT_LT(wide.density.value, 0.5);
  // By hand: on a line, radii to the nearest are 1, 1 and 2.
  const NeighbourMetrics line = neighbour_metrics(tensor({0, 1, 3}, {3, 1}), tensor({0.5, 4.5, 9}, {3, 1}), 1);
  EXPECT_NEAR(line.precision.value, 2.0 / 3, 1e-12);  // 0.5 and 4.5
  EXPECT_NEAR(line.density.value, 1, 1e-12);          // 0.5 in two balls, 4.5 in one
  EXPECT_NEAR(line.coverage.value, 1, 1e-12);
  EXPECT_NEAR(line.recall.value, 1, 1e-12);
  EXPECT_TRUE(contains(error_of([] { neighbour_metrics(zeros({5, 2}), zeros({9, 2})); }), "expected at least 6"));
}

// Two normal laws δ apart: the best classifier is right in Φ(δ/2) of cases.
TEST(Classifier, ReachesTheBestAccuracyBetweenTwoGaussians) {
  Rng rng(4);
  struct Known {
    double shift, accuracy;
  };
  for (auto [shift, accuracy] : {Known{0, 0.5}, {1, 0.69146}, {2, 0.84134}}) {
    const ClassifierOptions small{.hidden = 16, .folds = 4, .steps = 150};
    const Estimate found = classifier_accuracy(rng.normal({2000, 1}), rng.normal({2000, 1}) + shift, rng, small);
    EXPECT_NEAR(found.value, accuracy, 0.03) << shift;
    EXPECT_NEAR(found.error, 0.5 / std::sqrt(4000.0), 1e-12);
  }
  EXPECT_TRUE(contains(error_of([&] {
                         classifier_accuracy(zeros({20, 2}), zeros({30, 2}), rng);
                       }),
                       "expected equally many"));
}

TEST(Calibration, TheStatisticAndItsTailAreTheKnownOnes) {
  const Tensor middles = reshape((arange(0, 100, 1, float64) + 0.5) * 0.01, {100, 1});
  EXPECT_NEAR(uniformity(middles).largest.value, 0.005, 1e-12);
  const Uniformity by_hand = uniformity(tensor({0.1, 0.2, 0.9, 0.3}, {4, 1}, float64));
  EXPECT_NEAR(by_hand.largest.value, 0.75 - 0.3, 1e-12);
  EXPECT_NEAR(kolmogorov_tail(1.3581), 0.05, 1e-4);  // the customary critical values
  EXPECT_NEAR(kolmogorov_tail(1.6276), 0.01, 1e-4);
  EXPECT_NEAR(kolmogorov_tail(0.8276), 0.5, 1e-3);
  // Under the law that is claimed p values are uniform, and the mean is the expected one.
  Rng rng(5);
  double small = 0, sum = 0;
  for (int i = 0; i < 400; ++i) {
    const Uniformity u = uniformity(rng.uniform({500, 2}, float64));
    small += u.p_value < 0.1 ? 1.0 / 400 : 0;
    sum += (u.distances[0] + u.distances[1]) / 800;
    EXPECT_EQ(u.largest.value, std::max(u.distances[0], u.distances[1]));
  }
  EXPECT_NEAR(small, 0.1, 0.05);
  EXPECT_NEAR(sum / uniformity(rng.uniform({500, 1})).expected, 1, 0.05);
}

// The exact map of the data is calibrated; one that is half a deviation off is not, by Φ(¼) − Φ(−¼) in its first coordinate.
TEST(Calibration, FindsAWrongMap) {
  Rng rng(6);
  const Tensor rows = rng.normal({4000, 2}, float64) * 2.0 + 1.0;
  const Affine right(tensor({2, 2}, float64), tensor({1, 1}, float64)),
      wrong(tensor({2, 2}, float64), tensor({2, 1}, float64));
  EXPECT_GT(calibration(right, rows).p_value, 0.01);
  const Uniformity found = calibration(wrong, rows);
  EXPECT_LT(found.p_value, 1e-6);
  EXPECT_NEAR(found.distances[0], std::erf(0.25 / std::sqrt(2.0)), 4 * found.largest.error);
  EXPECT_LT(found.distances[1], 0.05);
}

// Of true samples 1 − e^(−k²/2) lie within k deviations of their mode: 98.889 % within three, 99.966 % within four.
TEST(ModeCeiling, IsWhatTrueSamplesReach) {
  for (const char* set : {"ring8", "grid25"}) {
    Rng rng(7);
    const int64_t n = 200000;
    const Tensor x = sample_2d(set, n, rng);
    Modes modes = *synthetic_set(set).modes;
    const Estimate within_three = mode_coverage(x, modes).high_quality;
    EXPECT_NEAR(within_three.value, 0.98889, 4 * within_three.error) << set;
    modes.sigma *= 4.0 / 3;
    const Estimate within_four = mode_coverage(x, modes).high_quality;
    EXPECT_NEAR(within_four.value, 0.99966, 4 * within_four.error) << set;
  }
  EXPECT_NEAR(high_quality_ceiling, 1 - std::exp(-4.5), 1e-15);
}

}  // namespace
}  // namespace pf
