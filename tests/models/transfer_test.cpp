// What improvements do where the answer is known, and that each is a measurement or a sentence in every family.

#include <gtest/gtest.h>

#include <cmath>

#include "models/transfer/distillation.h"
#include "models/transfer/improvement.h"
#include "models/transfer/refinement.h"
#include "models/transfer/transfer.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/reduce.h"
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

// Data N(m, I), samples N(0, I): the log-ratio is m·x − ½‖m‖², its gradient m everywhere.
TEST(Refinement, MovesSamplesTowardsTheData) {
  Rng rng(2);
  const double shift = 0.6;
  const Affine model = plane_map(1, 0);
  const Tensor data = rng.normal({20000, 2}) + shift;
  const Refinement refine(model, data, rng,
                          {.critic_steps = 600, .gamma = 0, .hidden = 32, .steps = 10, .step_size = 0.05});
  const Tensor x = rng.normal({2000, 2});
  const double moved = mean(refine(x) - x).item();
  EXPECT_NEAR(moved, 10 * 0.05 * shift, 0.15);
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
    EXPECT_FALSE(c.better() && c.worse());
  }
}

TEST(Transfer, UnknownNamesAreExplained) {
  EXPECT_TRUE(
      testing::contains(testing::error_of([] { transfer({.improvements = {"distilation"}}); }), "distillation"));
  EXPECT_TRUE(testing::contains(testing::error_of([] { transfer({.seeds = 0}); }), "expected at least 1"));
}

}  // namespace
}  // namespace pf
