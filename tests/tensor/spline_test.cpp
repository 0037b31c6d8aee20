#include "tensor/ops/spline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::error_of;

constexpr double bound = 3;
constexpr int64_t bins = 8, numbers = 3 * bins - 1;

struct Curve {
  std::vector<double> y, log_slope;
};
Curve curve(const Tensor& x, const Tensor& parameters, bool inverse = false) {
  const auto [y, log_slope] = rational_quadratic_spline(x, parameters, bound, inverse);
  return {cast(y, float64).to_vector<double>(), cast(log_slope, float64).to_vector<double>()};
}

/// One spline for all of x.
Tensor repeated(const Tensor& one, int64_t n) { return expand(reshape(one, {1, one.numel()}), {n, one.numel()}); }

/// The knots along x (axis 0) or y (axis 1) of a row of parameters.
std::vector<double> knots(const Tensor& parameters, int axis) {
  const auto u = cast(parameters, float64).to_vector<double>();
  double largest = -INFINITY, total = 0;
  for (int64_t k = 0; k < bins; ++k) largest = std::max(largest, u[size_t(axis * bins + k)]);
  for (int64_t k = 0; k < bins; ++k) total += std::exp(u[size_t(axis * bins + k)] - largest);
  std::vector<double> out{-bound};
  for (int64_t k = 0; k < bins; ++k) {
    const double share = std::exp(u[size_t(axis * bins + k)] - largest) / total;
    out.push_back(out.back() + 2 * bound * (1e-3 + (1 - 1e-3 * bins) * share));
  }
  return out;
}

/// Mild ones, and such that bins shrink to the smallest size and slopes to the smallest or far beyond.
constexpr size_t mild_rows = 5;
std::vector<Tensor> parameter_rows(DType dtype) {
  Rng rng(5);
  std::vector<Tensor> rows{zeros({numbers}, dtype)};
  for (double size : {1.0, 4.0, 20.0})
    for (int i = 0; i < 4; ++i) rows.push_back(rng.normal({numbers}, dtype) * size);
  for (double size : {20.0, 50.0})
    for (int i = 0; i < 8; ++i) {
      const Tensor signs = rng.rademacher({numbers}, dtype);
      rows.push_back(signs * size);
    }
  for (double value : {-50.0, 50.0}) rows.push_back(full({numbers}, value, dtype));
  return rows;
}

/// Inside, outside, at the bounds and their neighbours, and at and beside every knot.
Tensor positions(const Tensor& parameters, int axis, DType dtype) {
  std::vector<double> x = linspace(-1.2 * bound, 1.2 * bound, 301, float64).to_vector<double>();
  for (double end : {-bound, +bound, 1e30, -double(INFINITY)}) x.push_back(end);
  for (double end : {-bound, +bound})
    for (double toward : {-10.0, 10.0})
      x.push_back(dtype == float32 ? double(std::nextafter(float(end), float(toward))) : std::nextafter(end, toward));
  for (double knot : knots(parameters, axis))
    for (double beside : {-1e-3, -1e-7, 0.0, 1e-7, 1e-3}) x.push_back(knot + beside);
  return tensor(x, dtype);
}

TEST(Spline, ZeroParametersAreTheIdentity) {
  for (DType dtype : {float32, float64}) {
    const Tensor x = positions(zeros({numbers}), 0, dtype);
    for (bool inverse : {false, true}) {
      const Curve c = curve(x, zeros({x.numel(), numbers}, dtype), inverse);
      const auto from = cast(x, float64).to_vector<double>();
      const double close = dtype == float32 ? 2e-6 : 1e-14;
      for (size_t i = 0; i < from.size(); ++i) {
        EXPECT_TRUE(c.y[i] == from[i] || std::abs(c.y[i] - from[i]) < close) << from[i];
        EXPECT_NEAR(c.log_slope[i], 0, close);
      }
    }
  }
}

TEST(Spline, EqualsItsCompositeForm) {
  const std::vector<Tensor> rows = parameter_rows(float64);
  for (size_t r = 0; r < rows.size(); ++r) {
    const Tensor& row = rows[r];
    // Where a steep bin meets a flat one, the slope changes within 1e-7 of the knot, whose rounding then shows.
    const double close = r < mild_rows ? 1e-9 : 1e-4;
    for (bool inverse : {false, true}) {
      const Tensor x = positions(row, inverse, float64), parameters = repeated(row, x.numel());
      const auto fused = Spline{bound, inverse}.eval(x, parameters).to_vector<double>();
      const auto plain = Spline{bound, inverse}.composite(x, parameters).to_vector<double>();
      ASSERT_EQ(fused.size(), plain.size());
      for (size_t i = 0; i < fused.size(); ++i)
        ASSERT_TRUE(fused[i] == plain[i] || std::abs(fused[i] - plain[i]) < close * (1 + std::abs(plain[i])))
            << fused[i] << " instead of " << plain[i] << ", element " << i << ", inverse " << inverse;
    }
  }
}

TEST(Spline, RowsHaveSplinesOfTheirOwn) {
  Rng rng(2);
  const Tensor x = rng.normal({5, 3, 2}, float64) * 2, parameters = rng.normal({5, 3, 2, numbers}, float64) * 3;
  const Tensor all = Spline{bound, false}.eval(x, parameters);
  EXPECT_EQ(all.shape(), Shape({2, 5, 3, 2}));
  for (int64_t i = 0; i < 5; ++i)
    for (int64_t j = 0; j < 3; ++j)
      for (int64_t k = 0; k < 2; ++k) {
        const Tensor one = Spline{bound, false}.eval(
            tensor({x.at({i, j, k})}, float64), reshape(pick(pick(pick(parameters, 0, i), 0, j), 0, k), {1, numbers}));
        EXPECT_EQ(all.at({0, i, j, k}), one.at({0, 0}));
        EXPECT_EQ(all.at({1, i, j, k}), one.at({1, 0}));
      }
}

// x comes back; or, where the curve is so flat that many x have the y that was rounded to, one that has this y does.
TEST(Spline, InverseUndoesIt) {
  int64_t exact = 0, flat = 0;
  for (DType dtype : {float32, float64})
    for (const Tensor& row : parameter_rows(dtype))
      for (bool inverse : {false, true}) {
        const Tensor x = positions(row, inverse, dtype), parameters = repeated(row, x.numel());
        const Tensor y = rational_quadratic_spline(x, parameters, bound, inverse).first;
        const Tensor back = rational_quadratic_spline(y, parameters, bound, !inverse).first;
        const Tensor again = rational_quadratic_spline(back, parameters, bound, inverse).first;
        const double close = dtype == float32 ? 2e-5 : 1e-9, rounding = bound * (dtype == float32 ? 0x1p-22 : 0x1p-51);
        for (int64_t i = 0; i < x.numel(); ++i) {
          if (std::isinf(x.at({i}))) continue;
          const bool same = std::abs(back.at({i}) - x.at({i})) <= close * (1 + std::abs(x.at({i})));
          const bool equivalent = std::abs(again.at({i}) - y.at({i})) <= rounding;
          ASSERT_TRUE(same || equivalent) << to_string(dtype) << ", inverse " << inverse << ": " << x.at({i}) << " to "
                                          << y.at({i}) << " to " << back.at({i}) << " to " << again.at({i});
          ++(same ? exact : flat);
        }
      }
  EXPECT_GT(exact, 20000);
  EXPECT_LT(flat, exact / 5);
}

TEST(Spline, LogDeterminantsOfBothDirectionsCancel) {
  for (const Tensor& row : parameter_rows(float64)) {
    const Tensor x = positions(row, 0, float64), parameters = repeated(row, x.numel());
    const auto [y, log_slope] = rational_quadratic_spline(x, parameters, bound);
    const Curve back = curve(y, parameters, true);
    const auto there = log_slope.to_vector<double>();
    // Near a knot between very different bins the slope itself changes fast: compare what is well determined.
    size_t agreeing = 0;
    for (size_t i = 0; i < there.size(); ++i) agreeing += std::abs(back.log_slope[i] + there[i]) < 1e-7;
    EXPECT_GT(agreeing, there.size() * 95 / 100);
  }
}

TEST(Spline, IsMonotoneAndContinuous) {
  for (DType dtype : {float32, float64})
    for (const Tensor& row : parameter_rows(dtype))
      for (bool inverse : {false, true}) {
        auto sorted = cast(positions(row, inverse, dtype), float64).to_vector<double>();
        std::sort(sorted.begin(), sorted.end());
        const Tensor x = tensor(sorted, dtype);
        const Curve c = curve(x, repeated(row, x.numel()), inverse);
        const double rounding = bound * (dtype == float32 ? 0x1p-22 : 0x1p-51);
        for (size_t i = 1; i < sorted.size(); ++i) ASSERT_GE(c.y[i], c.y[i - 1] - rounding) << sorted[i];
        for (size_t i = 0; i < sorted.size(); ++i) {
          if (std::abs(sorted[i]) < bound) ASSERT_LE(std::abs(c.y[i]), bound + rounding);
          else ASSERT_EQ(c.y[i], sorted[i]);
        }
      }
}

TEST(Spline, LogDeterminantIsTheSlope) {
  Rng rng(9);
  for (double size : {0.5, 2.0}) {
    const Tensor row = rng.normal({numbers}, float64) * size;
    for (bool inverse : {false, true}) {
      const Tensor x = linspace(-3.6, 3.6, 257, float64), parameters = repeated(row, x.numel());
      const double step = 1e-6;
      const Curve c = curve(x, parameters, inverse), up = curve(x + step, parameters, inverse),
                  down = curve(x - step, parameters, inverse);
      for (size_t i = 0; i < c.y.size(); ++i)
        EXPECT_NEAR(std::exp(c.log_slope[i]), (up.y[i] - down.y[i]) / (2 * step), 2e-5 * std::exp(c.log_slope[i])) << i;
    }
  }
}

TEST(Spline, IsFiniteInSinglePrecisionAndPassesNaNOn) {
  for (const Tensor& row : parameter_rows(float32))
    for (bool inverse : {false, true}) {
      const Tensor x = positions(row, inverse, float32), parameters = repeated(row, x.numel());
      const Curve c = curve(x, parameters, inverse);
      const auto from = cast(x, float64).to_vector<double>();
      for (size_t i = 0; i < from.size(); ++i) {
        ASSERT_TRUE(std::isfinite(c.log_slope[i])) << from[i];
        ASSERT_TRUE(std::isfinite(c.y[i]) || std::isinf(from[i])) << from[i];
      }
      const Tensor ones_back = ones({2, x.numel()}, float32);
      const auto gradients = Spline{bound, inverse}.fused_vjp(Wanted{}, ones_back, x, parameters, {});
      for (const Tensor& gradient : gradients)
        for (float value : gradient.to_vector<float>()) ASSERT_TRUE(std::isfinite(value));
    }
  const Curve c = curve(tensor({NAN, 0.5}), zeros({2, numbers}));
  EXPECT_TRUE(std::isnan(c.y[0]) && std::isnan(c.log_slope[0]));
  EXPECT_FLOAT_EQ(float(c.y[1]), 0.5f);
}

TEST(Spline, TakesOneBinAndMany) {
  for (int64_t count : {1, 2, 3, 100}) {
    Rng rng(3);
    const Tensor x = linspace(-3.5, 3.5, 50, float64), parameters = rng.normal({50, 3 * count - 1}, float64);
    const auto fused = Spline{bound, true}.eval(x, parameters).to_vector<double>();
    const auto plain = Spline{bound, true}.composite(x, parameters).to_vector<double>();
    for (size_t i = 0; i < fused.size(); ++i) EXPECT_NEAR(fused[i], plain[i], 1e-10);
  }
}

TEST(Spline, HasTheSameBitsForAnyPositionAndThreads) {
  Rng rng(4);
  const int64_t n = 5003;
  const Tensor x = rng.normal({n}) * 2, parameters = rng.normal({n, numbers});
  const auto one = Spline{bound, false}.eval(x, parameters).to_vector<float>();
  set_threads(2);
  EXPECT_EQ(one, Spline({bound, false}).eval(x, parameters).to_vector<float>());
  set_threads(1);
  const auto tail = Spline{bound, false}.eval(slice(x, 0, 5001), slice(parameters, 0, 5001)).to_vector<float>();
  EXPECT_EQ(tail, (std::vector<float>{one[5001], one[5002], one[size_t(n) + 5001], one[size_t(n) + 5002]}));
}

TEST(Spline, SaysWhatDoesNotFit) {
  auto message = [](const Shape& x, const Shape& parameters, DType dtype = float32) {
    return error_of([&] { rational_quadratic_spline(zeros(x), zeros(parameters, dtype), 3); });
  };
  EXPECT_EQ(
      message({4, 1}, {4, 1, 22}),
      "rational_quadratic_spline: x [4, 1] and parameters [4, 1, 22]: expected one axis more, of 3·bins - 1 numbers");
  EXPECT_TRUE(message({4, 1}, {4, 23}).starts_with("rational_quadratic_spline: x [4, 1] and parameters [4, 23]"));
  EXPECT_EQ(message({4}, {4, 2999}),
            "rational_quadratic_spline: 1000 bins of at least 0.001 of the range do not fit into it; use fewer");
  EXPECT_TRUE(message({4}, {4, 23}, float64).find("element types differ") != std::string::npos);
}

TEST(Spline, TakesNothing) {
  const auto [y, log_slope] = rational_quadratic_spline(zeros({0, 1}), zeros({0, 1, numbers}), bound);
  EXPECT_EQ(y.shape(), Shape({0, 1}));
  EXPECT_EQ(log_slope.shape(), Shape({0, 1}));
}

}  // namespace
}  // namespace pf
