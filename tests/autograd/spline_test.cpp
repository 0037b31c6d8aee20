// The spline's hand-derived backward pass against what autograd makes of its composite form.

#include "tensor/ops/spline.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/apply.h"
#include "autograd/engine.h"
#include "tensor/random.h"

namespace pf {
namespace {

constexpr double bound = 3;
constexpr int64_t bins = 8, numbers = 3 * bins - 1;

void expect_close(const Tensor& a, const Tensor& b, double relative, const std::string& what) {
  ASSERT_EQ(a.shape(), b.shape()) << what;
  const auto p = a.to_vector<double>(), q = b.to_vector<double>();
  for (size_t i = 0; i < p.size(); ++i)
    ASSERT_NEAR(p[i], q[i], relative * (1 + std::abs(q[i]))) << what << ", element " << i;
}

struct Problem {
  Tensor x, parameters, cotangent;
};
Problem problem(int64_t n, double size, uint64_t seed) {
  Rng rng(seed);
  return {rng.normal({n, 2}, float64) * 2, rng.normal({n, 2, numbers}, float64) * size, rng.normal({2, n, 2}, float64)};
}

TEST(SplineGradient, EqualsThatOfTheCompositeForm) {
  for (double size : {0.0, 1.0, 3.0, 10.0})
    for (bool inverse : {false, true}) {
      const Problem p = problem(203, size, 7);
      const Spline op{bound, inverse};
      const std::array<Variable, 2> leaves{tracked(p.x), tracked(p.parameters)};
      const auto fused = pull_cotangents<Tensor>(apply(op, leaves[0], leaves[1]), leaves, p.cotangent);
      const auto plain = pull_cotangents<Tensor>(op.composite(leaves[0], leaves[1]), leaves, p.cotangent);
      const std::string what = join("parameters of size ", size, inverse ? ", inverse" : "");
      expect_close(fused[0], plain[0], 1e-9, "x, " + what);
      expect_close(fused[1], plain[1], 1e-9, "parameters, " + what);
    }
}

TEST(SplineGradient, OnlyWhatIsWanted) {
  const Problem p = problem(20, 1, 3);
  const Spline op{bound, true};
  const auto both = op.fused_vjp(Wanted{3}, p.cotangent, p.x, p.parameters, {});
  const auto first = op.fused_vjp(Wanted{1}, p.cotangent, p.x, p.parameters, {});
  const auto second = op.fused_vjp(Wanted{2}, p.cotangent, p.x, p.parameters, {});
  EXPECT_FALSE(first[1].defined());
  EXPECT_FALSE(second[0].defined());
  EXPECT_EQ(first[0].to_vector<double>(), both[0].to_vector<double>());
  EXPECT_EQ(second[1].to_vector<double>(), both[1].to_vector<double>());
}

TEST(SplineGradient, OneBinAndTwo) {
  for (int64_t count : {1, 2})
    for (bool inverse : {false, true}) {
      Rng rng(4);
      const Tensor parameters = rng.normal({40, 3 * count - 1}, float64), g = rng.normal({2, 40}, float64);
      const std::array<Variable, 2> leaves{tracked(linspace(-3.5, 3.5, 40, float64)), tracked(parameters)};
      const Spline op{bound, inverse};
      const auto fused = pull_cotangents<Tensor>(apply(op, leaves[0], leaves[1]), leaves, g);
      const auto plain = pull_cotangents<Tensor>(op.composite(leaves[0], leaves[1]), leaves, g);
      expect_close(fused[0], plain[0], 1e-9, "x");
      expect_close(fused[1], plain[1], 1e-9, "parameters");
    }
}

/// A derivative of the derivative goes through the composite form: compare with differences of the fused gradient.
TEST(SplineGradient, SecondDerivatives) {
  for (bool inverse : {false, true}) {
    const Problem p = problem(5, 1, 11);
    Rng rng(12);
    const Tensor direction = rng.normal(p.parameters.shape(), float64);
    auto gradient = [&](const Tensor& parameters) {
      return Spline{bound, inverse}.fused_vjp(Wanted{}, p.cotangent, p.x, parameters, {})[0];
    };
    const double step = 1e-5;
    const Tensor want =
        (gradient(p.parameters + direction * step) - gradient(p.parameters - direction * step)) * (0.5 / step);
    const Variable x = tracked(p.x), parameters = tracked(p.parameters);
    const Variable y = sum(apply(Spline{bound, inverse}, x, parameters) * Variable(p.cotangent));
    const Variable by_x = recorded_grad(y, x);
    const std::array<Variable, 1> inputs{parameters};
    const std::array<Tensor, 1> tangents{direction};
    expect_close(push_tangents<Tensor>(by_x, inputs, tangents), want, 1e-5, inverse ? "inverse" : "forward");
  }
}

}  // namespace
}  // namespace pf
