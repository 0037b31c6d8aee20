#include "tensor/ops/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tensor/ops/reduce.h"
#include "tensor/ops/where.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace pf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
using Bools = std::vector<bool>;
Bools bools(const Tensor& x) { return x.to_vector<bool>(); }
template <class F> std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

TEST(Comparison, EveryKindAndType) {
  struct Kind {
    Tensor (*run)(const Tensor&, const Tensor&);
    std::function<bool(double, double)> want;
  };
  const Kind kinds[] = {
      {[](const Tensor& a, const Tensor& b) { return a < b; }, std::less<>{}},
      {[](const Tensor& a, const Tensor& b) { return a <= b; }, std::less_equal<>{}},
      {[](const Tensor& a, const Tensor& b) { return a > b; }, std::greater<>{}},
      {[](const Tensor& a, const Tensor& b) { return a >= b; }, std::greater_equal<>{}},
      {[](const Tensor& a, const Tensor& b) { return equal(a, b); }, std::equal_to<>{}},
      {[](const Tensor& a, const Tensor& b) { return not_equal(a, b); }, std::not_equal_to<>{}},
  };
  int64_t compared = 0;
  for (const Kind& kind : kinds)
    for (DType dtype : {float32, float64, int64}) {
      Rng rng(1);
      const Tensor a = cast(rng.integers(4, {21, 30}), dtype), b = cast(rng.integers(4, {30, 1}), dtype);
      // One side transposed, the other broadcast along its second axis and read from behind.
      const Tensor left = transpose(a), right = flip(b, 0);
      const Tensor y = kind.run(left, right);
      ASSERT_EQ(y.shape(), (Shape{30, 21}));
      ASSERT_EQ(y.dtype(), boolean);
      for (int64_t i = 0; i < 30; ++i)
        for (int64_t j = 0; j < 21; ++j, ++compared)
          ASSERT_EQ(y.at({i, j}) != 0, kind.want(left.at({i, j}), right.at({i, 0})));
    }
  EXPECT_EQ(compared, 6 * 3 * 630);
}

TEST(Comparison, NumbersOnEitherSide) {
  const Tensor x = tensor({-1, 0, 2});
  EXPECT_EQ(bools(x > 0), (Bools{false, false, true}));
  EXPECT_EQ(bools(0.0 >= x), (Bools{true, true, false}));
  EXPECT_EQ(bools(equal(cast(x, int64), 2)), (Bools{false, false, true}));
  EXPECT_EQ(bools(not_equal(x, x)), (Bools{false, false, false}));
  EXPECT_EQ(bools(equal(x > 0, x < 1)), (Bools{false, false, false}));
}

TEST(Comparison, NothingOrdersNaN) {
  const Tensor x = tensor({NAN, 1});
  EXPECT_EQ(bools(x < x), (Bools{false, false}));
  EXPECT_EQ(bools(x >= x), (Bools{false, true}));
  EXPECT_EQ(bools(equal(x, x)), (Bools{false, true}));
  EXPECT_EQ(bools(not_equal(x, x)), (Bools{true, false}));
}

TEST(Comparison, FloatTests) {
  for (DType dtype : {float32, float64}) {
    const Tensor x = tensor({NAN, infinity, -infinity, 0, 1e30}, dtype);
    EXPECT_EQ(bools(isnan(x)), (Bools{true, false, false, false, false}));
    EXPECT_EQ(bools(isinf(x)), (Bools{false, true, true, false, false}));
    EXPECT_EQ(bools(isfinite(x)), (Bools{false, false, false, true, true}));
  }
  EXPECT_TRUE(all(isfinite(arange(0, 5, 1, int64))));
  EXPECT_FALSE(any(isnan(arange(0, 5, 1, int64))));
}

TEST(Comparison, LogicOfMasks) {
  const Tensor a = tensor({0, 0, 1, 1}, boolean), b = tensor({0, 1, 0, 1}, boolean);
  EXPECT_EQ(bools(a && b), (Bools{false, false, false, true}));
  EXPECT_EQ(bools(a || b), (Bools{false, true, true, true}));
  EXPECT_EQ(bools(!a), (Bools{true, true, false, false}));
  EXPECT_TRUE(any(a));
  EXPECT_FALSE(all(a));
  EXPECT_FALSE(any(a && !a));
  EXPECT_TRUE(all(zeros({0}, boolean)));
  EXPECT_FALSE(any(zeros({0}, boolean)));
}

TEST(Comparison, Errors) {
  const Tensor x = ones({3}), mask = x > 0;
  EXPECT_EQ(error_of([&] { x < ones({3}, float64); }),
            "less: float32 [3] and float64 [3]: element types differ; convert one with cast(x, float32)");
  EXPECT_EQ(error_of([&] { x > ones({2}); }),
            "greater: [3] and [2]: sizes 3 and 2 at axis -1 differ and neither is 1; reshape or expand one of them");
  EXPECT_EQ(error_of([&] { mask >= mask; }), "greater_equal: bool [3]: expected numbers; convert with cast(x, int64)");
  EXPECT_EQ(error_of([&] { x&& mask; }), "logical_and: float32 [3]: expected bool; not_equal(x, 0) makes one");
  EXPECT_EQ(error_of([&] { equal(ones({3}, int64), 0.5); }),
            "equal: int64 [3] and the number 0.5: int64 cannot hold it; convert with cast(x, float32)");
  EXPECT_EQ(error_of([&] { all(x); }), "all: float32 [3]: expected bool; not_equal(x, 0) makes one");
}

TEST(Where, ChoosesForEveryTypeAndLayout) {
  for (DType dtype : {float32, float64, int64, boolean}) {
    Rng rng(2);
    const Tensor condition = cast(rng.integers(2, {50, 1, 700}), boolean);
    const Tensor a = cast(rng.integers(9, {700, 3}), dtype), b = cast(rng.integers(9, {3, 1}), dtype);
    for (int count : {1, 2}) {
      set_threads(count);
      const Tensor y = where(condition, transpose(a), b);
      ASSERT_EQ(y.shape(), (Shape{50, 3, 700}));
      ASSERT_EQ(y.dtype(), dtype);
      for (int64_t i = 0; i < 50; i += 7)
        for (int64_t j = 0; j < 3; ++j)
          for (int64_t k = 0; k < 700; k += 3)
            ASSERT_EQ(y.at({i, j, k}), condition.at({i, 0, k}) ? a.at({k, j}) : b.at({j, 0}));
    }
    set_threads(1);
  }
}

TEST(Where, NumbersAndNaN) {
  const Tensor x = tensor({-4, 4});
  // What is not chosen does not matter.
  EXPECT_EQ(where(x > 0, x, 0.0).to_vector<float>(), (std::vector<float>{0, 4}));
  EXPECT_EQ(where(x > 0, 1.0, x * INFINITY).to_vector<float>(), (std::vector<float>{-INFINITY, 1}));
  const Tensor numbers = where(x > 0, 1.0, 0.25);
  EXPECT_TRUE(numbers.is_literal());
  EXPECT_EQ((x * numbers).dtype(), float32);
  EXPECT_EQ((ones({2}, float64) * numbers).to_vector<double>(), (std::vector<double>{0.25, 1}));
}

TEST(Where, RulesAreItself) {
  const Where op{tensor({1, 0, 1}, boolean)};
  const Tensor a = tensor({1, 2, 3}), b = tensor({4, 5, 6}), g = tensor({7, 8, 9}), y = apply(op, a, b);
  const auto grads = op.vjp(Wanted{}, g, a, b, y);
  EXPECT_EQ(grads[0].to_vector<float>(), (std::vector<float>{7, 0, 9}));
  EXPECT_EQ(grads[1].to_vector<float>(), (std::vector<float>{0, 8, 0}));
  EXPECT_FALSE(op.vjp(Wanted{1}, g, a, b, y)[1].defined());
  EXPECT_EQ(op.jvp(std::array{g, a}, a, b, y).to_vector<float>(), (std::vector<float>{7, 2, 9}));
}

TEST(Where, Errors) {
  EXPECT_EQ(error_of([&] { where(ones({3}), 1.0, 2.0); }),
            "where: the condition is float32 [3]: expected bool; not_equal(x, 0) makes one");
  EXPECT_EQ(error_of([&] { where(ones({3}, boolean), ones({3}), ones({3}, int64)); }),
            "where: float32 [3] and int64 [3]: element types differ; convert one with cast(x, float32)");
  EXPECT_EQ(error_of([&] { where(ones({3}, boolean), ones({2}), 1.0); }),
            "where: [2] and [3]: sizes 2 and 3 at axis -1 differ and neither is 1; reshape or expand one of them");
}

}  // namespace
}  // namespace pf
