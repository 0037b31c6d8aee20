// What improvements do where the answer is known, and that each is a measurement or a sentence in every family.

#include <gtest/gtest.h>

#include <cmath>

#include "models/autoregressive/autoregressive.h"
#include "models/transfer/distillation.h"
#include "models/transfer/improvement.h"
#include "models/transfer/latent_prior.h"
#include "models/transfer/progressive.h"
#include "models/transfer/transfer.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

Affine plane_map(double scale, double shift) { return Affine(full({2}, scale), full({2}, shift)); }

TEST(Distillation, CopiesAnAffineMap) {
  Rng rng(1);
  const Affine teacher = plane_map(0.7, 0.4);
  const auto student = distil(teacher, rng, {.pairs = 4000, .steps = 1500, .hidden = 32, .depth = 2});
  const Tensor z = rng.normal({500, 2});
  const Tensor error = norm(student->push(Variable(z)).value() - teacher.push(Variable(z)).value(), -1);
  EXPECT_LT(mean(error).item(), 0.03);
}

/// dx/dt = x in so many steps of Euler's method: x = z (1 + 1/steps)^steps.
class GrowthInSteps final : public Implements<GrowthInSteps, Transform> {
 public:
  explicit GrowthInSteps(int64_t steps) : base_(2), steps_(steps) {}
  const Distribution& base() const override { return base_; }
  int64_t width() const override { return 2; }
  Traits traits() const override { return {.same_width = true, .steps = steps_}; }
  Variable push(const Variable& z, const Tensor& = {}) const override { return Variable(path(z.value()).back()); }
  std::vector<Tensor> path(const Tensor& z, const Tensor& = {}) const override {
    std::vector<Tensor> positions{z};
    for (int64_t i = 0; i < steps_; ++i) positions.push_back(positions.back() * (1 + 1 / double(steps_)));
    return positions;
  }
  static void fields(auto&, auto&&) {}

 private:
  const char* family() const override { return "growth"; }
  Normal base_;
  int64_t steps_;
};

// Eight steps end at 1.125⁸ z = 2.566 z, where one step of the same field ends at 2 z: so the law is N(0, 2.566²).
TEST(Distillation, HalvesTheStepsOfAMapUntilOneIsLeft) {
  Rng rng(3);
  const GrowthInSteps teacher(8);
  const ProgressiveOptions options{.pairs = 1000, .steps = 150, .batch = 128, .hidden = 32, .depth = 2};
  const Tensor z = rng.normal({500, 2});
  for (int64_t steps : {2, 1}) {
    Rng learning(4);
    const SteppedMap student = distil_progressively(teacher, learning, steps, options);
    EXPECT_EQ(student.traits().steps, steps);
    const Tensor error = norm(student.push(Variable(z)).value() - teacher.push(Variable(z)).value(), -1);
    EXPECT_LT(mean(error).item(), 0.15) << steps;  // of a mean length of 3.2
  }
  EXPECT_TRUE(testing::contains(testing::error_of([&] { distil_progressively(teacher, rng, 3, options); }),
                                "3 steps of 8: expected a power of two from 1 to 8"));
  EXPECT_TRUE(testing::contains(testing::error_of([&] { distil_progressively(plane_map(1, 0), rng); }),
                                "its map is one step already"));
}

// A step function teaches its relaxed map: a fair coin for each coordinate, x = 1 where u < ½.
TEST(Distillation, CopiesTheRelaxedMapOfAStepFunction) {
  Rng rng(5);
  Autoregressive teacher(2, {.conditional = Conditional::bernoulli, .hidden = 4, .depth = 1}, rng);
  for (Field& field : parameters_of(teacher)) *field.parameter = Variable(zeros(field.value().shape()));
  const auto student =
      distil(teacher, rng, {.pairs = 6000, .steps = 1500, .hidden = 32, .depth = 2, .temperature = 0.3});
  const Tensor z = rng.normal({2000, 2});
  const Tensor x = teacher.push(teacher.base().from_normal(Variable(z))).value();
  const Tensor rounded = round(student->push(Variable(z)).value());
  EXPECT_GT(mean(cast(equal(rounded, x), float64)).item(), 0.96);
}

TEST(Transfer, MeasuresOrExplainsEveryCell) {
  const testing::TemporaryFolder folder;
  const TransferTable table = transfer({.data = "moons",
                                        .folder = folder.path().string(),
                                        .improvements = {"ema", "tempering", "adversarial"},
                                        .effort = 0.002,
                                        .samples = 200});
  EXPECT_EQ(table.families.size(), families().size());
  ASSERT_EQ(table.cells.size(), families().size() * 3);
  EXPECT_GT(table.floor.value, 0);
  for (const TransferCell& c : table.cells) {
    if (!c.why_not.empty()) continue;
    EXPECT_TRUE(std::isfinite(c.before.value) && std::isfinite(c.after.value)) << c.family << ' ' << c.improvement;
    EXPECT_GT(c.before.error, 0) << c.family << ' ' << c.improvement;
    EXPECT_NEAR(c.gain.value, c.before.value - c.after.value, 1e-9);
    EXPECT_FALSE(c.better() && c.worse());
    // Colder noise is the same noise: what the two have in common is no error of their difference.
    if (c.improvement == "tempering") {
      EXPECT_LT(c.gain.error, std::hypot(c.before.error, c.after.error)) << c.family;
    }
  }
}

// What was said to be for one family: pairs for whoever draws noise and data, learned priors for any map that can be gone back.
TEST(Transfer, PairsAndPriorsAreForMoreThanTheirHome) {
  const testing::TemporaryFolder folder;
  const std::vector<std::string> families{"diffusion", "diffusion:variant=consistency:hidden=16",
                                          "flow-matching:variant=mean-flow", "gan", "flow"};
  const TransferTable table = transfer({.data = "moons",
                                        .folder = folder.path().string(),
                                        .families = families,
                                        .improvements = {"ot-pairing", "learned-prior"},
                                        .effort = 0.002,
                                        .samples = 100});
  ASSERT_EQ(table.cells.size(), 10u);
  for (const TransferCell& c : table.cells) {
    const bool paired = c.improvement == "ot-pairing" && (c.family == "gan" || c.family == "flow");
    EXPECT_EQ(c.why_not.empty(), !paired) << c.family << ' ' << c.improvement << ": " << c.why_not;
    if (c.why_not.empty()) { EXPECT_TRUE(std::isfinite(c.gain.value)) << c.family << ' ' << c.improvement; }
  }
  EXPECT_TRUE(testing::contains(testing::error_of([] { transfer({.families = {"gan:varient=mmd"}}); }), "variant"));
}

// A map that was trained to a law twice as wide as the data: where these come from is N(0, ½²), and its flow sets that right.
TEST(LatentPrior, SetsRightWhatTheMapMisses) {
  Rng rng(5);
  const Affine wide = plane_map(2, 0);
  const Tensor rows = rng.normal({3000, 2}) + 1.0;
  const auto prior = fit_latent_prior(wide, rows, rng, {.steps = 400});
  const Tensor x = wide.push(prior->push(Variable(rng.normal({4000, 2})))).value();
  for (int64_t j : {0, 1}) {
    EXPECT_NEAR(mean(x, 0).at({j}), 1, 0.1);
    EXPECT_NEAR(var(x, 0).at({j}), 1, 0.15);
  }
}

TEST(Transfer, UnknownNamesAreExplained) {
  EXPECT_TRUE(
      testing::contains(testing::error_of([] { transfer({.improvements = {"distilation"}}); }), "distillation"));
  EXPECT_TRUE(testing::contains(testing::error_of([] { transfer({.seeds = 0}); }), "expected at least 1"));
}

}  // namespace
}  // namespace pf
