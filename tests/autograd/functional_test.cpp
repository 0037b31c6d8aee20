#include "autograd/functional.h"

#include <gtest/gtest.h>

#include "tensor/ops/all.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/random.h"
#include "tests/autograd/support.h"

namespace pf {
namespace {

using testing_support::error_of;
using testing_support::number;

void expect_near(const Tensor& a, const Tensor& b, double tolerance = 1e-12) {
  ASSERT_EQ(to_string(a.shape()), to_string(b.shape()));
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], tolerance) << "element " << i;
}

/// A field [B, 3] → [B, 3] with parameters, each row by itself.
struct Field {
  Variable a, b;
  Field() : a(tracked(Rng(1).normal({3, 3}, float64), "a")), b(tracked(Rng(2).normal({3}, float64), "b")) {}
  Variable operator()(const Variable& x) const { return tanh(matmul(x, a) + b) * x; }
};

TEST(Functional, value_and_grad) {
  const auto [value, gradient] = value_and_grad([](const Variable& x) { return sum(x * x); }, tensor({1, 2}, float64));
  EXPECT_EQ(value.item(), 5);
  expect_near(gradient, tensor({2, 4}, float64));
}

TEST(Functional, vjp_and_jvp_are_transposes) {
  Rng rng(3);
  const Field f;
  const Tensor x = rng.normal({4, 3}, float64), t = rng.normal({4, 3}, float64), g = rng.normal({4, 3}, float64);
  const auto [value, pullback] = vjp(f, x);
  const auto [again, tangent] = jvp(f, x, t);
  expect_near(value, f(Variable(x)).value());
  expect_near(again, value);
  EXPECT_NEAR(sum(pullback(g) * t).item(), sum(g * tangent).item(), 1e-12);
  expect_near(pullback(g * 2.0), pullback(g) * 2.0);
}

TEST(Functional, hvp_of_a_quadratic_is_its_matrix) {
  const Tensor m = tensor({2, 1, 1, 3}, {2, 2}, float64), v = tensor({5, -1}, float64);
  auto f = [&](const Variable& x) { return sum(x * matmul(Variable(m), x)) * 0.5; };
  expect_near(hvp(f, tensor({0.3, 0.4}, float64), v), matmul(m, v));
  // A function that is linear has none.
  expect_near(hvp([](const Variable& x) { return sum(x); }, ones({2}, float64), v), zeros({2}, float64));
}

TEST(Functional, jacobian) {
  auto f = [](const Variable& x) { return stack({x * x, sin(x)}, 0); };
  const Tensor j = jacobian(f, tensor({1, 2, 3}, float64));
  ASSERT_EQ(j.shape(), (Shape{2, 3, 3}));
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k) {
      EXPECT_EQ(j.at({0, i, k}), i == k ? 2.0 * (i + 1) : 0);
      EXPECT_NEAR(j.at({1, i, k}), i == k ? std::cos(i + 1.0) : 0, 1e-15);
    }
  EXPECT_EQ(jacobian([](const Variable& x) { return sum(x * 0.0); }, ones({2, 2}, float64)).shape(), (Shape{2, 2}));
}

TEST(Functional, batch_jacobian_is_the_diagonal_of_the_jacobian) {
  const Field f;
  const Tensor x = Rng(4).normal({2, 3}, float64);
  const Tensor each = batch_jacobian(f, x), all = jacobian(f, x);
  ASSERT_EQ(each.shape(), (Shape{2, 3, 3}));
  for (int b = 0; b < 2; ++b)
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k) EXPECT_NEAR(each.at({b, i, k}), all.at({b, i, b, k}), 1e-14);
}

TEST(Functional, divergence_is_the_trace_and_hutchinson_its_expectation) {
  const Field f;
  const Tensor x = Rng(4).normal({2, 3}, float64);
  const Tensor jacobians = batch_jacobian(f, x);
  const auto [value, exact] = divergence(f, x);
  expect_near(value, f(Variable(x)).value());
  for (int b = 0; b < 2; ++b)
    EXPECT_NEAR(exact.at({b}), jacobians.at({b, 0, 0}) + jacobians.at({b, 1, 1}) + jacobians.at({b, 2, 2}), 1e-13);
  // Over all 8 sign vectors the estimate's mean is exact.
  Tensor total = zeros({2}, float64);
  for (int signs = 0; signs < 8; ++signs) {
    Tensor probe = tensor({signs & 1 ? 1.0 : -1.0, signs & 2 ? 1.0 : -1.0, signs & 4 ? 1.0 : -1.0}, float64);
    total = total + hutchinson_divergence(f, x, contiguous(expand(probe, {2, 3}))).divergence;
  }
  expect_near(total * 0.125, exact, 1e-13);
}

TEST(Functional, divergence_of_samples_with_more_axes) {
  auto f = [](const Variable& x) { return x * x * x; };
  const Tensor x = Rng(4).normal({2, 2, 2}, float64);
  expect_near(divergence(f, x).divergence, sum(reshape(x * x * 3.0, {2, 4}), -1));
}

TEST(Functional, a_recorded_divergence_has_derivatives_in_inputs_and_parameters) {
  const Field f;
  const Variable x = tracked(Rng(5).normal({2, 3}, float64));
  const Tensor probe = Rng(6).rademacher({2, 3}, float64);
  for (const bool exact : {true, false}) {
    auto total = [&](const Variable& at, const Field& field) {
      const auto [value, div] = exact ? divergence(field, at) : hutchinson_divergence(field, at, probe);
      return sum(div * div) + sum(value);
    };
    const std::vector<Tensor> g = grad(total(x, f), std::vector{x, f.a, f.b});
    auto difference = [&](const Tensor& base, int64_t i, auto&& run) {
      Tensor up = copy(base), down = copy(base);
      up.mutable_data<double>()[i] += 1e-5;
      down.mutable_data<double>()[i] -= 1e-5;
      return (run(up) - run(down)) / 2e-5;
    };
    for (int64_t i = 0; i < 6; ++i)
      EXPECT_NEAR(g[0].to_vector<double>()[size_t(i)],
                  difference(x.value(), i, [&](const Tensor& at) { return total(Variable(at), f).item(); }), 1e-7);
    for (int64_t i = 0; i < 9; ++i)
      EXPECT_NEAR(g[1].to_vector<double>()[size_t(i)],
                  difference(f.a.value(), i,
                             [&](const Tensor& at) {
                               Field moved = f;
                               moved.a = tracked(at);
                               return total(x, moved).item();
                             }),
                  1e-7);
  }
}

TEST(Functional, recorded_only_where_something_is_tracked) {
  Field f;
  const Variable x(Rng(5).normal({2, 3}, float64));
  EXPECT_TRUE(divergence(f, x).divergence.tracked()) << "the parameters are";
  f.a = stop_gradient(f.a);
  f.b = stop_gradient(f.b);
  EXPECT_FALSE(divergence(f, x).divergence.tracked());
  EXPECT_FALSE(divergence(f, x).value.tracked());
  EXPECT_TRUE(divergence(f, tracked(x.value())).divergence.tracked());
}

TEST(Functional, recorded_jvp_and_hvp) {
  const Variable x = number(0.8);
  const Map f = [](const Variable& a) { return sin(a) * a; };
  const auto [value, tangent] = jvp(f, x, ones({}, float64));
  EXPECT_NEAR(grad(tangent, x).item(), hvp(f, x.value(), ones({}, float64)).item(), 1e-14);
  const Variable second = hvp(f, x, ones({}, float64));
  EXPECT_NEAR(grad(second, x).item(), -3 * std::sin(0.8) - 0.8 * std::cos(0.8), 1e-13) << "the third derivative";
}

TEST(Functional, laplacian) {
  auto f = [](const Variable& x) { return sum(x * x * x, -1); };
  const Tensor x = Rng(7).normal({4, 3}, float64);
  expect_near(laplacian(f, x), sum(x * 6.0, -1));
}

TEST(Functional, straight_through_is_hard_forward_and_soft_backward) {
  const Variable x = tracked(tensor({0.3, 1.6}, float64));
  const Variable y = straight_through(round(x).value(), x * 3.0);
  EXPECT_EQ(y.value().to_vector<double>(), (std::vector<double>{0, 2}));
  expect_near(grad(sum(y), x), full({2}, 3, float64));
  const Tensor t = ones({2}, float64);
  expect_near(push_tangents<Tensor>(y, std::span(&x, 1), std::span(&t, 1)), full({2}, 3, float64));
  EXPECT_EQ(error_of([&] { straight_through(zeros({3}, float64), x); }),
            "straight_through: hard float64 [3] and soft float64 [2]: shapes and element types must agree");
}

TEST(Functional, errors) {
  const Map wider = [](const Variable& x) { return concat({x, x}, -1); };
  EXPECT_EQ(error_of([&] {
              divergence(wider, ones({2, 3}));
            }),
            "divergence: a map from [2, 3] to [2, 6]: expected the same shape, [B, ...]");
  EXPECT_EQ(error_of([&] { divergence(wider, ones({})); }),
            "divergence: input []: expected a first axis of samples, [B, ...]");
  EXPECT_EQ(error_of([&] { batch_jacobian(wider, ones({2})); }), "batch_jacobian: input [2]: expected [B, d]");
  EXPECT_EQ(error_of([&] {
              hutchinson_divergence(wider, ones({2, 3}), ones({3}));
            }),
            "hutchinson_divergence: probe [3] for an input [2, 3]: shapes must agree");
  EXPECT_EQ(error_of([&] {
              hvp(wider, ones({2, 3}), ones({2, 3}));
            }),
            "hvp: the function's value has shape [2, 6]: expected one element");
  EXPECT_EQ(error_of([&] {
              jvp(wider, ones({2, 3}), ones({3}));
            }),
            "jvp: tangent [3] for an input [2, 3]: shapes must agree");
}

}  // namespace
}  // namespace pf
