// The functions by name: known values, and what happens at the edges.

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/ops/activations.h"
#include "tensor/ops/gamma.h"
#include "tensor/ops/lerp.h"
#include "tensor/ops/trigonometric.h"
#include "tensor/simd.h"

namespace pf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double one(double value) { return value; }
double one(const Tensor& x) { return x.item(); }
Tensor f64(double value) { return full({}, value, float64); }

// The same number from a scalar formula and from a tensor.
#define EXPECT_VALUE(expression, argument, want)                                \
  do {                                                                          \
    auto f = [](const auto& x) { return expression; };                          \
    EXPECT_NEAR(one(f(double(argument))), want, 1e-14 * (1 + std::abs(want)));  \
    EXPECT_NEAR(one(f(f64(argument))), want, 1e-14 * (1 + std::abs(want)));     \
    EXPECT_NEAR(one(f(full({}, argument))), want, 2e-6 * (1 + std::abs(want))); \
  } while (false)

// Computed with 30 digits by mpmath.
TEST(Formulas, KnownValues) {
  EXPECT_VALUE(silu(x), -1.5, -0.27363828570953451);
  EXPECT_VALUE(silu(x), 2, 1.7615941559557649);
  EXPECT_VALUE(gelu(x), -1.5, -0.1002108019032871);
  EXPECT_VALUE(gelu(x), 0.5, 0.34573123063700655);
  EXPECT_VALUE(gelu_tanh(x), -1.5, -0.10042842301976708);
  EXPECT_VALUE(gelu_tanh(x), 2, 1.954597694087775);
  EXPECT_VALUE(mish(x), -1.5, -0.29809974216680676);
  EXPECT_VALUE(mish(x), 0.5, 0.3752452113048951);
  EXPECT_VALUE(mish(x), 30, 30.0);
  EXPECT_VALUE(softsign(x), -1.5, -0.6);
  EXPECT_VALUE(elu(x), -1.5, -0.77686983985157017);
  EXPECT_VALUE(elu(x, 2), -1.5, 2 * -0.77686983985157017);
  EXPECT_VALUE(selu(x), -1.5, -1.3658143533672527);
  EXPECT_VALUE(selu(x), 2, 2.101401974710961);
  EXPECT_VALUE(leaky_relu(x, 0.25), -2, -0.5);
  EXPECT_VALUE(hardtanh(x), -2, -1.0);
  EXPECT_VALUE(logit(x), 0.125, -1.9459101490553133);
  EXPECT_VALUE(log1mexp(x), -1.5, -0.252482458925454);
  EXPECT_VALUE(logaddexp(x, x - 3), 1, 1.0485873515737421);
  EXPECT_VALUE(normal_hazard(x), -30, 30.033259667433677);
  EXPECT_VALUE(normal_hazard(x), 0.5, 0.50916043383703349);
  EXPECT_VALUE(normal_hazard(x), 4, 0.00013383446446857514);
  EXPECT_VALUE(log_ndtr(x), -3, -6.6077262215103495);
  EXPECT_VALUE(lgamma(x), 4.5, 2.4537365708424422);
  EXPECT_VALUE(digamma(x), 3, 0.92278433509846714);
  EXPECT_VALUE(trigamma(x), 0.5, 4.9348022005446793);
  EXPECT_VALUE(polygamma(2, x), 0.5, -16.82879664423432);
  EXPECT_VALUE(polygamma(2, x), 20, -0.0026281224023146546);
  EXPECT_VALUE(polygamma(5, x), 0.25, 491552.51376768129);
  EXPECT_VALUE(polygamma(5, x), 50, 8.0716771352543619e-8);
  EXPECT_VALUE(lerp(x, x + 2, x), 0.25, 0.75);
}

TEST(Formulas, PowersOfAConstantExponent) {
  EXPECT_VALUE(pow(x, 2.5), 4, 32.0);
  EXPECT_EQ(pow(f64(-3), 2).item(), 9);
  EXPECT_EQ(pow(f64(-3), 3).item(), -27);
  EXPECT_EQ(pow(f64(-4), -1).item(), -0.25);
  EXPECT_EQ(pow(f64(-2), 5).item(), -32);
  EXPECT_EQ(pow(f64(0), 0).item(), 1);
  EXPECT_EQ(pow(2.0, f64(-3)).item(), 0.125);
  EXPECT_EQ(pow(full({2}, 3, int64), 2).to_vector<int64_t>(), (std::vector<int64_t>{9, 9}));
}

template <class F> std::vector<double> partials_at(const F& f, const std::vector<double>& x) {
  std::vector<Tensor> in, out(x.size());
  for (double value : x) in.push_back(f64(value));
  std::vector<const Tensor*> from;
  std::vector<Tensor*> to;
  for (size_t i = 0; i < x.size(); ++i) from.push_back(&in[i]), to.push_back(&out[i]);
  const Tensor y = pointwise_forward(pointwise_kernels<F>(), &f, from);
  pointwise_vjp(pointwise_kernels<F>(), &f, f64(1), from, y, to);
  std::vector<double> result;
  for (const Tensor& p : out) result.push_back(p.item());
  return result;
}
using Numbers = std::vector<double>;

TEST(Formulas, DerivativesAtTheEdges) {
  EXPECT_EQ(partials_at(Relu{}, {0}), Numbers{0});
  EXPECT_EQ(partials_at(Abs{}, {0}), Numbers{0});
  EXPECT_EQ(partials_at(Clamp{}, {1}), Numbers{1});
  EXPECT_EQ(partials_at(Clamp{}, {1.5}), Numbers{0});
  EXPECT_EQ(partials_at(Maximum{}, {2, 2}), (Numbers{0.5, 0.5}));
  EXPECT_EQ(partials_at(Minimum{}, {1, 2}), (Numbers{1, 0}));
  EXPECT_EQ(partials_at(Sqrt{}, {0}), Numbers{infinity});
  EXPECT_EQ(partials_at(Elu{}, {1000}), Numbers{1});
  EXPECT_EQ(partials_at(Silu{}, {-1000}), Numbers{0});
  EXPECT_EQ(partials_at(Gelu{}, {1000}), Numbers{1});
  EXPECT_EQ(partials_at(Mish{}, {1000}), Numbers{1});
  EXPECT_EQ(partials_at(Mish{}, {0}), Numbers{0.6});
  EXPECT_EQ(partials_at(Softplus{}, {1000}), Numbers{1});
  EXPECT_EQ(partials_at(PowConstant{{}, 0}, {0}), Numbers{0});
  EXPECT_EQ(partials_at(Pow{}, {0, 2}), (Numbers{0, 0}));
  EXPECT_EQ(partials_at(Pow{}, {0, 0})[0], 0);
  EXPECT_EQ(partials_at(Pow{}, {-2, 3})[0], 12);
  EXPECT_TRUE(std::isnan(partials_at(Pow{}, {-2, 3})[1]));
  EXPECT_EQ(partials_at(LogAddExp{}, {-infinity, -infinity}), (Numbers{0.5, 0.5}));
  EXPECT_EQ(partials_at(LogAddExp{}, {-infinity, 3}), (Numbers{0, 1}));
  EXPECT_NEAR(partials_at(LogNdtr{}, {-1e4})[0], 1e4, 1e-3);
  EXPECT_EQ(partials_at(Log1mExp{}, {-1e4})[0], 0);
}

TEST(Formulas, ValuesAtTheEdges) {
  for (DType dtype : {float32, float64}) {
    auto at = [&](double x) { return full({}, x, dtype); };
    EXPECT_EQ(logaddexp(at(-infinity), at(-infinity)).item(), -infinity);
    EXPECT_EQ(softplus(at(-infinity)).item(), 0);
    EXPECT_EQ(softplus(at(1e30)).item(), at(1e30).item());
    EXPECT_EQ(log_sigmoid(at(-1e30)).item(), at(-1e30).item());
    EXPECT_EQ(sign(at(0)).item(), 0);
    EXPECT_EQ(round(at(2.5)).item(), 2);
    EXPECT_EQ(round(at(-3.5)).item(), -4);
    EXPECT_EQ(remainder(at(-1), 3).item(), 2);
    EXPECT_EQ(remainder(at(1), -3).item(), -2);
    for (double other : {-1.0, 1.0}) {
      EXPECT_TRUE(std::isnan(maximum(at(NAN), other).item()));
      EXPECT_TRUE(std::isnan(minimum(at(other), NAN).item()));
    }
    EXPECT_TRUE(std::isnan(clamp(at(NAN), -1, 1).item()));
    EXPECT_TRUE(std::isnan(relu(at(NAN)).item()));
    EXPECT_TRUE(std::isnan(sign(at(NAN)).item()));
    EXPECT_TRUE(std::isnan(polygamma(2, at(-0.5)).item()));
    EXPECT_EQ(clamp(at(infinity), -1, 1).item(), 1);
  }
}

TEST(Formulas, NamesInFormulasServeEveryKindOfValue) {
  auto f = [](const auto& x) {
    using V = std::remove_cvref_t<decltype(x)>;
    return select(x > V(0) && !(x > V(2)), max(x, V(0.5)), min(V(1), abs(x)) + V(10));
  };
  for (double x : {-3.0, -0.25, 0.25, 1.5, 2.5}) {
    const double want = f(x);
    EXPECT_EQ(f(f64(x)).item(), want);
    EXPECT_EQ(f(Vec<double>(x))[0], want);
    EXPECT_EQ(f(float(x)), float(want));
    EXPECT_EQ(f(full({}, x)).dtype(), float32);  // literals take the type of what they meet
  }
  EXPECT_TRUE((max(Tensor(1.0), Tensor(2.0))).is_literal());
}

}  // namespace
}  // namespace pf
