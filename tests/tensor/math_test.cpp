// The elementary functions against the C library in the next wider type, over all magnitudes of the argument.
//
// PF_MATH_REPORT=1 prints the measured errors; PF_MATH_STRIDE=n tests every n-th float instead of every 4099th.

#include "tensor/math.h"
#include "tensor/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "math_reference.h"

namespace pf {
namespace {

using reference::error_in_ulp;
using reference::Wider;

double keeps_relative_accuracy(double) { return 0; }
double near_mirrored_zeros_of_lgamma(double x) { return x < 0 ? 1 - x * std::log1p(-x) : 0; }
double near_zeros_of_digamma(double x) { return x < 0 ? 1 + std::log1p(-x) : 1; }

/// How far a function may be off, in units in the last place of the result, or of `at_least(x)` where the result is
/// smaller: some functions do not keep their relative accuracy near a zero.
struct Bound {
  double of_float, of_double;
  double (*at_least)(double x) = keeps_relative_accuracy;
};

template <class T> constexpr double bound_of(const Bound& b) {
  return std::same_as<T, float> ? b.of_float : b.of_double;
}

uint32_t float_stride() {
  const char* text = std::getenv("PF_MATH_STRIDE");
  return text ? uint32_t(std::max(1, std::atoi(text))) : 4099u;
}

/// Zeros, infinities, NaN, subnormals, the ends of the range, and numbers at which functions change their formula.
template <class T> std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values;
  for (double v :
       {0.0,    0.25,   1.0 / 3, 0.425,   0.46875, 0.5,   0.625,   0.75,     0.85,   1.0,     1.5,    2.0,     2.5,
        3.0,    4.0,    5.0,     6.0,     8.0,     10.0,  30.0,    37.5,     40.0,   87.3365, 88.376, 88.7228, 89.5,
        103.97, 104.5,  127.0,   128.0,   149.0,   150.0, 708.396, 709.7827, 710.5,  745.13,  746.0,  1023.0,  1024.0,
        1074.0, 1075.0, 8192.0,  16384.0, 1e5,     1e6,   0x1p23,  0x1p24,   0x1p28, 0x1p52,  0x1p53, 1e18})
    for (T x : {T(v), std::nextafter(T(v), T(0)), std::nextafter(T(v), Limits::infinity())})
      values.insert(values.end(), {x, -x});
  for (T x : {Limits::infinity(), Limits::quiet_NaN(), Limits::denorm_min(), Limits::min(), Limits::max(),
              T(3 * Limits::denorm_min()), std::nextafter(Limits::min(), T(0))})
    values.insert(values.end(), {x, -x});
  for (int k = 1; k < 200; ++k)  // next to the zeros and poles of the trigonometric functions
    for (T x : {T(k * 0.7853981633974483), T(-k * 0.7853981633974483)}) values.push_back(x);
  return values;
}

/// Arguments of all magnitudes and both signs, and as many from [lo, hi] again.
template <class T> std::vector<T> arguments(double lo, double hi) {
  std::vector<T> x = special_values<T>();
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(lo, hi);
  size_t count = 50000;
  if constexpr (std::same_as<T, float>) {
    const uint32_t stride = float_stride();
    for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += stride)
      x.push_back(std::bit_cast<float>(uint32_t(bits)));
    count = x.size() / 4;
  } else {
    for (size_t i = 0; i < count; ++i) x.push_back(std::bit_cast<double>(uint64_t(random())));
    for (size_t i = 0; i < count; ++i) x.push_back(std::ldexp(uniform(random), -int(random() % 60)));
  }
  for (size_t i = 0; i < count; ++i) x.push_back(T(uniform(random)));
  while (x.size() % 64) x.push_back(T(1));
  return x;
}

template <class T, class F, class R> void check(const char* name, F f, R reference, double lo, double hi, Bound bound) {
  const std::vector<T> xs = arguments<T>(lo, hi);
  double worst[2] = {-1, -1};
  T where[2] = {}, gave[2] = {};
  const auto note = [&](int path, T x, T got, double error) {
    if (error > worst[path]) worst[path] = error, where[path] = x, gave[path] = got;
  };
  for (size_t i = 0; i < xs.size(); i += Vec<T>::width) {
    T batch[Vec<T>::width];
    f(Vec<T>::load(&xs[i])).store(batch);
    for (int lane = 0; lane < Vec<T>::width; ++lane) {
      const T x = xs[i + lane], scalar = f(x);
      const Wider<T> want = reference(Wider<T>(x));
      note(0, x, scalar, error_in_ulp<T>(scalar, want, bound.at_least(double(x))));
      note(1, x, batch[lane], error_in_ulp<T>(batch[lane], want, bound.at_least(double(x))));
    }
  }
  const char* type = std::same_as<T, float> ? "float" : "double";
  if (std::getenv("PF_MATH_REPORT"))
    std::printf("%-12s %-6s scalar %8.3f at %-24.17g batch %8.3f at %.17g\n", name, type, worst[0], double(where[0]),
                worst[1], double(where[1]));
  for (int path : {0, 1})
    EXPECT_LE(worst[path], bound_of<T>(bound))
        << name << "(" << testing::PrintToString(where[path]) << "), " << type << (path ? " batch" : "") << ": "
        << gave[path] << ", expected " << reference(Wider<T>(where[path]));
}

// One line per function: name, reference, an interval that is tested more densely, and the bounds.
#define PF_F(name) [](auto x) { return math::name(x); }
#define PF_STD(name) [](auto x) { return std::name(x); }
#define PF_REF(name) [](auto x) { return reference::name(x); }

template <class Visit> void each_function(Visit visit) {
  visit("exp", PF_F(exp), PF_STD(exp), -110, 100, Bound{1.1, 1.1});
  visit("exp2", PF_F(exp2), PF_STD(exp2), -150, 130, Bound{1.1, 1.1});
  visit("expm1", PF_F(expm1), PF_STD(expm1), -5, 5, Bound{1.75, 2});
  visit("log", PF_F(log), PF_STD(log), 0, 3, Bound{1, 1});
  visit("log2", PF_F(log2), PF_STD(log2), 0, 3, Bound{1, 1});
  visit("log10", PF_F(log10), PF_STD(log10), 0, 3, Bound{1, 1});
  visit("log1p", PF_F(log1p), PF_STD(log1p), -1, 3, Bound{1.5, 1.25});
  visit("sin", PF_F(sin), PF_STD(sin), -100, 100, Bound{1.75, 1.75});
  visit("cos", PF_F(cos), PF_STD(cos), -100, 100, Bound{1.75, 1.75});
  visit("tan", PF_F(tan), PF_STD(tan), -100, 100, Bound{4, 3.5});
  visit("asin", PF_F(asin), PF_STD(asin), -1, 1, Bound{2.1, 2});
  visit("acos", PF_F(acos), PF_STD(acos), -1, 1, Bound{1.25, 1.25});
  visit("atan", PF_F(atan), PF_STD(atan), -5, 5, Bound{2, 2});
  visit("sinh", PF_F(sinh), PF_STD(sinh), -5, 5, Bound{1.75, 1.75});
  visit("cosh", PF_F(cosh), PF_STD(cosh), -5, 5, Bound{1.75, 1.5});
  visit("tanh", PF_F(tanh), PF_STD(tanh), -10, 10, Bound{1.5, 1.5});
  visit("asinh", PF_F(asinh), PF_STD(asinh), -5, 5, Bound{1.75, 1.75});
  visit("acosh", PF_F(acosh), PF_STD(acosh), 1, 5, Bound{2.5, 2.5});
  visit("atanh", PF_F(atanh), PF_STD(atanh), -1, 1, Bound{2, 2});
  visit("cbrt", PF_F(cbrt), PF_STD(cbrt), -10, 10, Bound{0.6, 0.6});
  visit("erf", PF_F(erf), PF_STD(erf), -5, 5, Bound{1.25, 1.25});
  visit("erfc", PF_F(erfc), PF_STD(erfc), -5, 11, Bound{4.5, 4});
  visit("erfinv", PF_F(erfinv), PF_REF(erfinv), -1, 1, Bound{6.5, 7});
  visit("ndtr", PF_F(ndtr), PF_REF(ndtr), -15, 10, Bound{4.5, 5});
  visit("ndtri", PF_F(ndtri), PF_REF(ndtri), 0, 1, Bound{6, 7});
  visit("log_ndtr", PF_F(log_ndtr), PF_REF(log_ndtr), -40, 10, Bound{5.5, 5});
  visit("sigmoid", PF_F(sigmoid), PF_REF(sigmoid), -100, 20, Bound{2.5, 2.5});
  visit("log_sigmoid", PF_F(log_sigmoid), PF_REF(log_sigmoid), -20, 100, Bound{2, 2});
  visit("softplus", PF_F(softplus), PF_REF(softplus), -100, 20, Bound{2, 2});
  visit("log1mexp", PF_F(log1mexp), PF_REF(log1mexp), -20, 0, Bound{2.1, 2});
  visit("lgamma", PF_F(lgamma), PF_REF(lgamma), -10, 20, Bound{6, 6, near_mirrored_zeros_of_lgamma});
  visit("digamma", PF_F(digamma), PF_REF(digamma), -10, 20, Bound{8, 14, near_zeros_of_digamma});
  visit("trigamma", PF_F(trigamma), PF_REF(trigamma), -10, 20, Bound{7, 7});
}

TEST(Math, FloatWithinBounds) {
  each_function([](auto name, auto f, auto r, double lo, double hi, Bound b) { check<float>(name, f, r, lo, hi, b); });
}

TEST(Math, DoubleWithinBounds) {
  each_function([](auto name, auto f, auto r, double lo, double hi, Bound b) { check<double>(name, f, r, lo, hi, b); });
}

// All pairs of special values, and pairs of random ones.
template <class T, class F, class R>
void check_pairs(const char* name, F f, R reference, double lo, double hi, Bound bound) {
  std::vector<T> special, xs, ys;
  for (T x : special_values<T>())
    if (special.size() < 200 || !std::isfinite(x) || std::abs(x) < std::numeric_limits<T>::min()) special.push_back(x);
  for (T x : special)
    for (T y : special) xs.push_back(x), ys.push_back(y);
  const std::vector<T> all = arguments<T>(lo, hi);
  std::mt19937 random(3);
  for (int i = 0; i < 300000; ++i) {
    // Both from the dense interval more often than not: most pairs of arbitrary numbers give 0 or infinity.
    const size_t first = i % 4 ? all.size() * 9 / 10 : 0;
    xs.push_back(all[first + random() % (all.size() - first)]);
    ys.push_back(all[first + random() % (all.size() - first)]);
  }
  while (xs.size() % 64) xs.push_back(1), ys.push_back(1);
  double worst = -1;
  size_t where = 0;
  for (size_t i = 0; i < xs.size(); i += Vec<T>::width) {
    T batch[Vec<T>::width];
    f(Vec<T>::load(&xs[i]), Vec<T>::load(&ys[i])).store(batch);
    for (int lane = 0; lane < Vec<T>::width; ++lane) {
      const size_t at = i + lane;
      const Wider<T> want = reference(Wider<T>(xs[at]), Wider<T>(ys[at]));
      const double least = bound.at_least(double(xs[at]));
      const double error =
          std::max(error_in_ulp<T>(f(xs[at], ys[at]), want, least), error_in_ulp<T>(batch[lane], want, least));
      if (error > worst) worst = error, where = at;
    }
  }
  if (std::getenv("PF_MATH_REPORT"))
    std::printf("%-12s %-6s either %8.3f at %.17g, %.17g\n", name, std::same_as<T, float> ? "float" : "double", worst,
                double(xs[where]), double(ys[where]));
  EXPECT_LE(worst, bound_of<T>(bound)) << name << '(' << xs[where] << ", " << ys[where]
                                       << "): " << f(xs[where], ys[where]) << ", expected "
                                       << reference(Wider<T>(xs[where]), Wider<T>(ys[where]));
}

template <class T> void check_all_pairs() {
  check_pairs<T>(
      "pow", [](auto x, auto y) { return math::pow(x, y); }, [](auto x, auto y) { return std::pow(x, y); }, -20, 20,
      {1.5, 1.5});
  check_pairs<T>(
      "atan2", [](auto y, auto x) { return math::atan2(y, x); }, [](auto y, auto x) { return std::atan2(y, x); }, -5, 5,
      {3, 3});
  // One ulp of the larger argument, where the sum passes through zero.
  check_pairs<T>(
      "logaddexp", [](auto a, auto b) { return math::logaddexp(a, b); },
      [](auto a, auto b) { return reference::logaddexp(a, b); }, -20, 20,
      {2, 2, [](double x) { return std::max(1.0, std::abs(x)); }});
}

TEST(Math, FloatPairsWithinBounds) { check_all_pairs<float>(); }
TEST(Math, DoublePairsWithinBounds) { check_all_pairs<double>(); }

// Computed with mpmath 1.3 at 50 digits; they also vouch for the references above.
TEST(Math, GoldenValues) {
  struct Golden {
    const char* name;
    double (*f)(double);
    double at_least;
    std::vector<std::pair<double, double>> values;
  };
  const Golden table[] = {
      {"erfinv",
       [](double x) { return math::erfinv(x); },
       0,
       {{1e-300, 8.86226925452758e-301},
        {1e-08, 8.86226925452758e-09},
        {0.1, 0.08885599049425769},
        {0.5, 0.4769362762044699},
        {0.85, 1.0179024648320276},
        {0.9, 1.1630871536766743},
        {0.999, 2.3267537655135246},
        {0.9999999999990905, 5.05125408524939},
        {0.9999999999999999, 5.8635847487551676},
        {-0.3, -0.2724627147267543}}},
      {"ndtri",
       [](double x) { return math::ndtri(x); },
       0,
       {{1e-300, -37.0470962993612},
        {1e-50, -14.933337534788489},
        {1e-10, -6.361340902404057},
        {1.4e-11, -6.656723091518184},
        {0.01, -2.326347874040841},
        {0.075, -1.439531470938456},
        {0.3, -0.5244005127080408},
        {0.6, 0.2533471031357997},
        {0.95, 1.6448536269514722},
        {0.9999999999999999, 8.209536151601387}}},
      {"log_ndtr",
       [](double x) { return math::log_ndtr(x); },
       0,
       {{-10000000000.0, -5e+19},
        {-1000.0, -500007.82669481216},
        {-38.0, -726.5572160188201},
        {-10.0, -53.23128515051247},
        {-1.5, -2.7059444008238898},
        {-0.5, -1.1759117615936185},
        {0.25, -0.5129840754094305},
        {0.75, -0.25699426683836524},
        {3.0, -0.0013508099647481938},
        {8.0, -6.220960574271786e-16}}},
      {"digamma",
       [](double x) { return math::digamma(x); },
       1,
       {{1e-05, -100000.57719921567},
        {0.5, -1.9635100260214235},
        {1.0, -0.5772156649015329},
        {1.4, -0.06138454458511624},
        {1.5, 0.03648997397857652},
        {2.0, 0.42278433509846713},
        {7.25, 1.910453526883736},
        {1000000.0, 13.815510057964191},
        {-0.5, 0.03648997397857652},
        {-3.7, -0.8450768588704194}}},
      {"trigamma",
       [](double x) { return math::trigamma(x); },
       0,
       {{1e-05, 10000000001.644909},
        {0.5, 4.934802200544679},
        {1.0, 1.6449340668482264},
        {1.4, 1.0253565905295976},
        {3.3, 0.3535015418410618},
        {9.5, 0.11099728846909904},
        {1000000.0, 1.0000005000001667e-06},
        {-0.5, 8.934802200544679},
        {-3.7, 14.84242186412428},
        {-7.01, 10003.157557376158}}},
      {"lgamma",
       [](double x) { return math::lgamma(x); },
       0,
       {{1e-05, 11.512919692895826},
        {0.3, 1.0957979948180756},
        {1.25, -0.09827183642181316},
        {1.75, -0.08440112102048555},
        {2.25, 0.1248717148923966},
        {6.5, 5.662562059857142},
        {7.999, 8.523145786158915},
        {100.0, 359.1342053695754},
        {10000000000.0, 220258509288.81058},
        {-0.5, 1.2655121234846454},
        {-1.5, 0.860047015376481},
        {-10.3, -14.457515440024208}}},
  };
  for (const auto& [name, f, at_least, values] : table)
    for (const auto& [x, want] : values)
      EXPECT_LE(error_in_ulp<double>(f(x), want, at_least), 16)
          << name << '(' << x << "): " << f(x) << ", expected " << want;
}

template <class T> class Lanes : public testing::Test {};
using Elements = testing::Types<float, double>;
TYPED_TEST_SUITE(Lanes, Elements);

// What the machine does on a whole register against what the language says about one number.
TYPED_TEST(Lanes, AgreeWithScalars) {
  using T = TypeParam;
  using V = Vec<T>;
  const auto same = [](T a, T b) { return (a != a && b != b) || (a == b && std::signbit(a) == std::signbit(b)); };
  const auto values = special_values<T>();
  for (T x : values)
    for (T y : {T(0), T(-0.0), T(1), T(-2.5), x, -x, std::numeric_limits<T>::infinity(),
                std::numeric_limits<T>::quiet_NaN()}) {
      const V vx(x), vy(y);
      const bool nan = x != x || y != y;
      const T none = std::numeric_limits<T>::quiet_NaN();
      const std::pair<T, T> expected[] = {
          {(vx + vy)[0], x + y},
          {(vx - vy)[0], x - y},
          {(vx * vy)[0], x * y},
          {(vx / vy)[0], x / y},
          {(-vx)[0], -x},
          {math::abs(vx)[0], std::abs(x)},
          {math::floor(vx)[0], std::floor(x)},
          {math::ceil(vx)[0], std::ceil(x)},
          {math::trunc(vx)[0], std::trunc(x)},
          {math::round(vx)[0], std::rint(x)},
          {math::sqrt(vx)[0], std::sqrt(x)},
          {math::copysign(vx, vy)[0], std::copysign(x, y)},
          {math::abs(x), std::abs(x)},
          {math::copysign(x, y), std::copysign(x, y)},
          {math::abs(math::max(vx, vy))[0], nan ? none : std::abs(std::max(x, y))},
          {math::abs(math::min(vx, vy))[0], nan ? none : std::abs(std::min(x, y))},
          {math::abs(math::max(x, y)), nan ? none : std::abs(std::max(x, y))},
          {math::abs(math::min(x, y)), nan ? none : std::abs(std::min(x, y))},
          {math::hmax(vx), x},
          {math::select(vx < vy, vx, vy)[0], x < y ? x : y},
          {math::select(vx >= vy || !(vx == vy), vx, vy)[0], x >= y || !(x == y) ? x : y},
          {math::select(math::isfinite(vx) && vx != vy, vx, vy)[0], std::isfinite(x) && x != y ? x : y},
          {math::select(math::signbit(vx), vx, vy)[0], std::signbit(x) && x == x ? x : y},
      };
      for (size_t i = 0; i < std::size(expected); ++i)
        EXPECT_TRUE(same(expected[i].first, expected[i].second) || (i == std::size(expected) - 1 && x != x))
            << "case " << i << ": x = " << x << ", y = " << y << ": " << expected[i].first << ", expected "
            << expected[i].second;
    }
}

TYPED_TEST(Lanes, LoadStoreReduce) {
  using T = TypeParam;
  using V = Vec<T>;
  T in[V::width + 1], out[V::width + 1] = {};
  for (int i = 0; i <= V::width; ++i) in[i] = T(i) - 2;
  const V v = V::load(in + 1);
  v.store(out + 1);
  for (int i = 1; i <= V::width; ++i) EXPECT_EQ(out[i], in[i]);
  EXPECT_EQ(math::sum(v), T(V::width * (V::width - 1) / 2 - V::width));
  EXPECT_EQ(math::hmax(v), T(V::width - 2));
  EXPECT_EQ(math::hmin(v), T(-1));
  EXPECT_TRUE(math::any(v < V(0)));
  EXPECT_FALSE(math::all(v < V(0)));
  in[2] = std::numeric_limits<T>::quiet_NaN();
  EXPECT_TRUE(std::isnan(math::hmax(V::load(in + 1))));
}

TYPED_TEST(Lanes, MixWithLiterals) {
  using V = Vec<TypeParam>;
  V x = (1.0 - V(0.25) * 2.0f) / 2;
  x += 1;
  EXPECT_EQ(x[0], TypeParam(1.25));
  EXPECT_EQ(math::max(x, 2)[0], TypeParam(2));
  EXPECT_EQ(math::select(x > 1, x, 0)[0], TypeParam(1.25));
}

}  // namespace
}  // namespace pf
