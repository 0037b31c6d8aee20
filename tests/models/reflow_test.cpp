// Reflow of other maps: straight paths, and the same points in one step.

#include "models/transfer/reflow.h"

#include "models/gan/generator.h"
#include "models/metrics/path_energy.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/reduce.h"
#include "tests/models/lattice.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

double straightness(const SteppedMap& map, const Tensor& starts) {
  const OdeField field = [&](double t, const OdeState& x) {
    return OdeState{map.velocity()(x[0], full({1, 1}, t, x[0].dtype()))};
  };
  return path_energy(field, starts, {.method = OdeMethod::rk4, .steps = 40}).straightness.value;
}

const ReflowOptions quick{.pairs = 6000, .steps = 1500, .rate = 5e-3, .hidden = 32, .depth = 2};

// The lines from z to a z + b do not cross, so a field carries points along them.
TEST(Reflow, OfAnAffineMapIsStraightAndIsThatMap) {
  Rng rng(1);
  const Affine teacher(full({2}, 0.7), full({2}, 0.4));
  const SteppedMap map = reflow(teacher, rng, quick);
  EXPECT_EQ(map.traits().steps, 1);
  const Tensor z = rng.normal({500, 2});
  const Tensor error = norm(map.push(Variable(z)).value() - teacher.push(Variable(z)).value(), -1);
  EXPECT_LT(mean(error).item(), 0.03);
  EXPECT_LT(straightness(map, z), 0.005);
}

/// Z1: the exact field of independent pairs of N(0, 1) and N(m, 1), v = m + (2t − 1)/σ_t² (x − t m), σ_t² = (1 − t)² + t².
class GaussianFlow final : public Implements<GaussianFlow, Transform> {
 public:
  const Distribution& base() const override { return base_; }
  int64_t width() const override { return 1; }
  Traits traits() const override { return {.same_width = true, .reconstructs = false, .steps = 20}; }
  Variable push(const Variable& z, const Tensor& = {}) const override {
    return solve_ode(field(), {z}, 0, 1, {.method = OdeMethod::rk4, .steps = 20}).state[0];
  }
  OdeField field() const {
    return [](double t, const OdeState& x) {
      const double m = 1, variance = (1 - t) * (1 - t) + t * t;
      return OdeState{(x[0] - t * m) * ((2 * t - 1) / variance) + m};
    };
  }
  static void fields(auto&, auto&&) {}

 private:
  const char* family() const override { return "gaussian flow"; }
  Normal base_{1};
};

TEST(Reflow, StraightensThePathsBetweenTwoGaussians) {
  const GaussianFlow teacher;
  const Tensor starts = cast(normal_quantiles(400), float32);
  EXPECT_NEAR(path_energy(teacher.field(), starts, {.method = OdeMethod::rk4, .steps = 40}).straightness.value, 0.4292,
              0.01);
  Rng rng(2);
  const SteppedMap map = reflow(teacher, rng, quick);
  EXPECT_LT(straightness(map, starts), 0.02);
  EXPECT_LT(mean(abs(map.push(Variable(starts)).value() - (starts + 1.0))).item(), 0.05);
}

TEST(Reflow, Errors) {
  Rng rng(3);
  const Generator wide(3, 2, 4, 1, rng);
  EXPECT_TRUE(testing::contains(testing::error_of([&] { reflow(wide, rng); }),
                                "its noise has 2 coordinates and its points have 3"));
  EXPECT_TRUE(testing::contains(testing::error_of([&] { reflow(Affine(ones({2}), zeros({2})), rng, {.pairs = 10}); }),
                                "10 pairs for batches of 256"));
}

}  // namespace
}  // namespace pf
