// Every formula of the list: its kernels against the same text run on scalar doubles.

#include "tensor/pointwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tensor/ops/activations.h"
#include "tensor/ops/gamma.h"
#include "tensor/ops/trigonometric.h"
#include "tensor/ops/views.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tests/tensor/op_cases.h"

namespace pf {
namespace {

using testing::op_cases;
using testing::OpCase;

constexpr double kink_margin = 0.02;

/// Numbers from the i-th input's domain, away from its kinks.
Tensor sample(const OpCase& op, int input, const Shape& shape, DType dtype, Rng& rng) {
  const Domain& domain = op.domains[size_t(input)];
  Tensor out = rng.uniform(shape, float64);
  double* x = out.mutable_data<double>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    x[i] = domain.low + (domain.high - domain.low) * x[i];
    for (double kink : domain.kinks)
      if (std::abs(x[i] - kink) < kink_margin)
        x[i] = kink + (kink + 2 * kink_margin <= domain.high ? 2 : -2) * kink_margin;
  }
  return cast(out, dtype);
}
std::vector<Tensor> samples(const OpCase& op, const Shape& shape, DType dtype, uint64_t seed) {
  Rng rng(seed);
  std::vector<Tensor> out;
  for (int i = 0; i < op.arity; ++i) out.push_back(sample(op, i, shape, dtype, rng));
  return out;
}
std::vector<double> values(const Tensor& x) { return cast(x, float64).to_vector<double>(); }
std::vector<std::vector<double>> values(std::span<const Tensor> x, const Shape& shape) {
  std::vector<std::vector<double>> out;
  for (const Tensor& one : x) out.push_back(values(expand(one, shape)));
  return out;
}
std::vector<double> row(const std::vector<std::vector<double>>& columns, size_t i) {
  std::vector<double> out;
  for (const auto& column : columns) out.push_back(column[i]);
  return out;
}
double tolerance(DType dtype) { return dtype == float32 ? 6e-6 : 1e-12; }
bool agree(double a, double b, double relative) {
  return std::abs(a - b) <= relative * (1 + std::abs(b)) || (std::isnan(a) && std::isnan(b)) || a == b;
}
bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor p = contiguous(a), q = contiguous(b);
  return p.shape() == q.shape() && p.dtype() == q.dtype() &&
         std::memcmp(p.raw(), q.raw(), size_t(p.numel() * size_of(p.dtype()))) == 0;
}

/// Compares one result with the scalar formula; returns how many elements were compared.
int64_t check_forward(const OpCase& op, std::span<const Tensor> x, const Shape& shape, const char* what) {
  const Tensor y = op.run(x);
  EXPECT_EQ(y.shape(), shape) << op.name << ", " << what;
  const auto inputs = values(x, shape);
  const auto got = values(y);
  for (size_t i = 0; i < got.size(); ++i) {
    const auto at = row(inputs, i);
    const double want = op.reference(at.data());
    EXPECT_TRUE(agree(got[i], want, tolerance(y.dtype())))
        << op.name << ", " << name_of(y.dtype()) << ", " << what << ": " << got[i] << " instead of " << want << " at "
        << at[0];
    if (::testing::Test::HasFailure()) return 0;
  }
  return int64_t(got.size());
}

TEST(Pointwise, KernelsEqualTheScalarFormulaForEveryLayout) {
  int64_t compared = 0;
  for (const OpCase& op : op_cases())
    for (DType dtype : {float32, float64}) {
      for (int64_t n : {0, 1, 7, 8, 9, 31, 513}) {
        const auto x = samples(op, {n}, dtype, 1);
        compared += check_forward(op, x, {n}, "contiguous");
      }
      compared += check_forward(op, samples(op, {}, dtype, 2), {}, "0-d");
      compared += check_forward(op, samples(op, {3, 0, 2}, dtype, 2), {3, 0, 2}, "empty");
      auto viewed = [&](const char* what, const Shape& from, const Shape& to, auto view) {
        auto x = samples(op, from, dtype, 3);
        for (Tensor& one : x) one = view(one);
        compared += check_forward(op, x, to, what);
      };
      viewed("transposed", {13, 5}, {5, 13}, [](const Tensor& x) { return transpose(x); });
      viewed("permuted", {3, 5, 4}, {4, 3, 5}, [](const Tensor& x) { return permute(x, {2, 0, 1}); });
      viewed("sliced", {9, 11}, {9, 3}, [](const Tensor& x) { return slice(x, 1, 2, 10, 3); });
      viewed("reversed", {37}, {37}, [](const Tensor& x) { return flip(x, 0); });
      viewed("repeated", {1, 6}, {700, 6}, [](const Tensor& x) { return expand(x, {700, 6}); });
      // Each operand broadcast in its own way.
      Rng rng(4);
      const Shape shapes[] = {{4, 1, 5}, {3, 1}, {5}};
      std::vector<Tensor> x;
      Shape shape;
      for (int i = 0; i < op.arity; ++i) {
        x.push_back(sample(op, i, shapes[i % 3], dtype, rng));
        shape = i ? broadcast(shape, shapes[i % 3], "test") : shapes[0];
      }
      compared += check_forward(op, x, shape, "broadcast");
      if (HasFailure()) return;
    }
  EXPECT_GT(compared, 100000);
}

TEST(Pointwise, BitsDependNeitherOnThreadsNorOnPosition) {
  int64_t compared = 0;
  for (const OpCase& op : op_cases())
    for (DType dtype : {float32, float64}) {
      auto x = samples(op, {40000}, dtype, 5);
      set_threads(1);
      const Tensor alone = op.run(x);
      set_threads(2);
      EXPECT_TRUE(same_bits(op.run(x), alone)) << op.name << ": other bits with 2 threads";
      set_threads(1);
      for (Tensor& one : x) one = slice(one, 0, 3, 20);
      EXPECT_TRUE(same_bits(op.run(x), slice(alone, 0, 3, 20))) << op.name << ": other bits at another position";
      ++compared;
    }
  EXPECT_GT(compared, 100);
}

/// The fused gradients of all inputs.
std::vector<Tensor> gradients(const OpCase& op, std::span<const Tensor> x, const Tensor& y, const Tensor& g) {
  std::vector<Tensor> out(x.size());
  std::vector<const Tensor*> in;
  std::vector<Tensor*> to;
  for (size_t i = 0; i < x.size(); ++i) in.push_back(&x[i]), to.push_back(&out[i]);
  pointwise_vjp(*op.kernels, op.op, g, in, y, to);
  return out;
}

TEST(Pointwise, FusedGradientsEqualDifferencesOfTheScalarFormula) {
  int64_t compared = 0, jumps = 0;
  for (const OpCase& op : op_cases()) {
    const auto x = samples(op, {203}, float64, 6);
    const auto inputs = values(x, {203});
    const auto grads = gradients(op, x, op.run(x), full({203}, 2, float64));
    for (int k = 0; k < op.arity; ++k) {
      const auto got = values(grads[size_t(k)]);
      for (size_t i = 0; i < 203; ++i) {
        auto at = row(inputs, i);
        auto value = [&](double shift) {
          auto moved = at;
          moved[size_t(k)] += shift;
          return op.reference(moved.data());
        };
        const double h = 1e-5, left = (value(0) - value(-h)) / h, right = (value(h) - value(0)) / h;
        if (!agree(left, right, 0.02)) {  // max(a, b) near a = b and the like
          ++jumps;
          continue;
        }
        const double want = left + right;  // twice the mean, as g is 2
        EXPECT_TRUE(agree(got[i], want, 2e-6))
            << op.name << ": ∂/∂x" << k << " is " << got[i] / 2 << " instead of " << want / 2 << " at " << at[0];
        ++compared;
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(compared, 203 * int64_t(op_cases().size()) * 99 / 100);
  EXPECT_LT(jumps, compared / 1000 + 3);
}

TEST(Pointwise, GradientKernelsOfFloat32FollowThoseOfFloat64) {
  int64_t compared = 0;
  for (const OpCase& op : op_cases()) {
    // Views, so that the pass gathers its blocks.
    auto x = samples(op, {31, 40}, float32, 7);
    for (Tensor& one : x) one = transpose(one);
    std::vector<Tensor> wide;
    for (const Tensor& one : x) wide.push_back(cast(one, float64));
    Rng rng(8);
    const Tensor g = rng.normal({40, 31});
    const auto narrow_grads = gradients(op, x, op.run(x), g);
    const auto wide_grads = gradients(op, wide, op.run(wide), cast(g, float64));
    for (int k = 0; k < op.arity; ++k) {
      const auto a = values(narrow_grads[size_t(k)]), b = values(wide_grads[size_t(k)]);
      for (size_t i = 0; i < a.size(); ++i, ++compared)
        ASSERT_TRUE(agree(a[i], b[i], 4e-5)) << op.name << ": ∂/∂x" << k << " is " << a[i] << " instead of " << b[i];
    }
  }
  EXPECT_GT(compared, 1000 * int64_t(op_cases().size()));
}

TEST(Pointwise, ForwardModeIsTheSumOfTangentsTimesPartials) {
  int64_t compared = 0;
  for (const OpCase& op : op_cases()) {
    const auto x = samples(op, {77}, float64, 9);
    const Tensor y = op.run(x);
    const auto partials = gradients(op, x, y, ones({77}, float64));
    Rng rng(10);
    std::vector<Tensor> t;
    Tensor want = zeros({77}, float64);
    for (int k = 0; k < op.arity; ++k) {
      t.push_back(rng.normal({77}, float64));
      want = want + t.back() * partials[size_t(k)];
    }
    std::vector<const Tensor*> tangents, inputs;
    for (int k = 0; k < op.arity; ++k) tangents.push_back(&t[size_t(k)]), inputs.push_back(&x[size_t(k)]);
    const auto got = values(pointwise_jvp(*op.kernels, op.op, tangents, inputs, y)), expected = values(want);
    for (size_t i = 0; i < got.size(); ++i, ++compared) ASSERT_TRUE(agree(got[i], expected[i], 1e-12)) << op.name;
  }
  EXPECT_GT(compared, 0);
}

TEST(Pointwise, FormulaTextHoldsForArrays) {
  int partials = 0, chains = 0;
  for (const OpCase& op : op_cases()) {
    const auto x = samples(op, {8, 9}, float64, 11);
    const Tensor y = op.run(x);
    const auto chain = op.chain(x, y);
    const auto want = op.closed_form ? gradients(op, x, y, ones({8, 9}, float64)) : std::vector<Tensor>{y};
    ASSERT_EQ(chain.size(), want.size());
    for (size_t k = 0; k < want.size(); ++k) {
      const auto a = values(expand(chain[k], {8, 9})), b = values(want[k]);
      for (size_t i = 0; i < a.size(); ++i)
        ASSERT_TRUE(agree(a[i], b[i], 1e-12)) << op.name << ": " << a[i] << " " << b[i];
    }
    ++(op.closed_form ? partials : chains);
  }
  EXPECT_GT(partials, 50);
  EXPECT_GE(chains, 3);
}

TEST(Pointwise, OnlyWantedGradientsAreMade) {
  for (const OpCase& op : op_cases()) {
    if (op.arity < 2) continue;
    const auto x = samples(op, {20}, float32, 12);
    const Tensor y = op.run(x), g = ones({20});
    const auto all = gradients(op, x, y, g);
    std::vector<const Tensor*> in;
    for (const Tensor& one : x) in.push_back(&one);
    std::vector<Tensor*> to(x.size(), nullptr);
    Tensor last;
    to.back() = &last;
    pointwise_vjp(*op.kernels, op.op, g, in, y, to);
    EXPECT_TRUE(same_bits(last, all.back())) << op.name;
  }
}

TEST(Pointwise, Integers) {
  int with = 0;
  for (const OpCase& op : op_cases()) {
    std::vector<Tensor> x;
    Rng rng(13);
    for (int i = 0; i < op.arity; ++i) x.push_back(sub(rng.integers(21, {19}), 10));
    if (op.integers) {
      const auto y = op.run(x).to_vector<int64_t>();
      for (size_t i = 0; i < y.size(); ++i) {
        std::vector<int64_t> at;
        for (const Tensor& one : x) at.push_back(one.to_vector<int64_t>()[i]);
        EXPECT_EQ(y[i], op.integer_reference(at.data())) << op.name;
      }
      ++with;
    } else {
      try {
        op.run(x);
        ADD_FAILURE() << op.name << " accepts int64";
      } catch (const Error& e) {
        EXPECT_EQ(std::string(e.what()), join(op.name, ": int64 [19] is not supported; convert with cast(x, float32)"));
      }
    }
  }
  EXPECT_GE(with, 9);
}

template <class F> std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

TEST(Pointwise, Errors) {
  const Tensor a = ones({2, 3}), b = ones({2, 3}, float64), i = ones({3}, int64);
  EXPECT_EQ(error_of([&] { a + b; }),
            "add: float32 [2, 3] and float64 [2, 3]: element types differ; convert one with cast(x, float32)");
  EXPECT_EQ(
      error_of([&] {
        atan2(a, ones({2, 4}));
      }),
      "atan2: [2, 3] and [2, 4]: sizes 3 and 4 at axis -1 differ and neither is 1; reshape or expand one of them");
  EXPECT_EQ(error_of([&] { i + 0.5; }),
            "add: int64 [3] and the number 0.5: int64 cannot hold it; convert with cast(x, float32)");
  EXPECT_EQ(error_of([&] { exp(Tensor()); }), "exp: an operand is an empty Tensor handle; initialise it first");
  EXPECT_EQ(error_of([&] { clamp(a, 1, 0); }), "clamp: low 1 is above high 0");
  EXPECT_EQ((i + 2).to_vector<int64_t>(), (std::vector<int64_t>{3, 3, 3}));
}

}  // namespace
}  // namespace pf
