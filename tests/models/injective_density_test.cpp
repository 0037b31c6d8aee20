// Densities on the images of maps: a plane, a circle, and where the image is the whole space the one by change of variables.

#include "models/injective_density.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "models/flow/coupling.h"
#include "models/gan/generator.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/join.h"
#include "tensor/ops/trigonometric.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

template <AnyModule M> void shake(M& module, Rng& rng) {
  for (Field& field : parameters_of(module))
    *field.parameter = Variable(cast(field.value(), float64) + rng.normal(field.value().shape(), float64) * 0.3);
}

// log p(A z + b) = log N(z; 0, I) − ½ log det AᵀA, found for the points of the plane by optimisation.
TEST(InjectiveDensity, OfALinearMapIsKnown) {
  Rng rng(1);
  Generator map(3, 2, 1, 0, rng);
  shake(map, rng);
  const Tensor a = fields_of(map)[0].value(), z = rng.normal({5, 2}, float64), x = map.push(Variable(z)).value();
  double gram[3] = {};
  for (int64_t i = 0; i < 3; ++i) {
    gram[0] += a.at({i, 0}) * a.at({i, 0});
    gram[1] += a.at({i, 0}) * a.at({i, 1});
    gram[2] += a.at({i, 1}) * a.at({i, 1});
  }
  const double volume = 0.5 * std::log(gram[0] * gram[2] - gram[1] * gram[1]);
  const Tensor known = Normal(2).log_density(Variable(z)).value() - volume;
  EXPECT_LT(max(abs(injective_log_density(map, z) - known)).item(), 1e-12);
  const LogDensity found = injective_density(map, x);
  EXPECT_EQ(found.kind, DensityKind::injective);
  EXPECT_LT(max(abs(found.value - known)).item(), 1e-2);
}

/// z ↦ r (cos z, sin z).
class CircleMap final : public Implements<CircleMap, Transform> {
 public:
  explicit CircleMap(double radius) : radius_(radius) {}
  const Distribution& base() const override { return base_; }
  int64_t width() const override { return 2; }
  Traits traits() const override { return {.reconstructs = false}; }
  Variable push(const Variable& z, const Tensor&) const override { return concat({cos(z), sin(z)}, 1) * radius_; }
  static void fields(auto&, auto&&) {}

 private:
  const char* family() const override { return "circle"; }
  double radius_;
  Normal base_{1};
};

TEST(InjectiveDensity, OnACircleIsThatOfTheAngleOverTheRadius) {
  const Tensor z = tensor({-1, 0, 0.3, 2}, {4, 1}, float64);
  for (double radius : {0.5, 1.0, 3.0}) {
    const Tensor found = injective_log_density(CircleMap(radius), z);
    const Tensor known = Normal(1).log_density(Variable(z)).value() - 0.5 * std::log(radius * radius);
    EXPECT_LT(max(abs(found - known)).item(), 1e-12) << radius;
  }
}

TEST(InjectiveDensity, OfABijectionIsTheDensity) {
  Rng rng(2);
  CouplingFlow flow(2, {.layers = 2, .hidden = 8}, rng);
  shake(flow, rng);
  const Tensor x = rng.normal({20, 2}, float64);
  EXPECT_LT(max(abs(injective_density(flow, x).value - flow.log_density(x, rng).value)).item(), 1e-9);
}

TEST(InjectiveDensity, Errors) {
  Rng rng(3);
  const Generator wide(2, 3, 4, 1, rng);
  EXPECT_TRUE(contains(error_of([&] {
                         injective_density(wide, zeros({1, 2}));
                       }),
                       "the base has 3 coordinates and the data 2: the map gives points more than once"));
  Generator flat(2, 2, 1, 0, rng);
  for (Field& field : fields_of(flat)) *field.parameter = Variable(zeros(field.value().shape(), float64));
  EXPECT_TRUE(contains(error_of([&] {
                         injective_log_density(flat, zeros({1, 2}, float64));
                       }),
                       "at row 0 the map does not depend on all coordinates of its base"));
}

}  // namespace
}  // namespace pf
