#include "autograd/custom.h"

#include <gtest/gtest.h>

#include "tensor/ops/all.h"
#include "tensor/random.h"
#include "tests/autograd/support.h"

namespace pf {
namespace {

using testing_support::error_of;
using testing_support::number;

std::vector<Tensor> samples() { return {Rng(3).normal({3, 4}, float64)}; }

CustomOp swish() {
  return CustomOp(
      "swish", [](auto x) { return x[0] * sigmoid(x[0]); },
      [](auto x, const Variable& y, const Variable& g) {
        const Variable s = sigmoid(x[0]);
        return std::vector<Variable>{g * (s + y * (1 - s))};
      },
      samples());
}

TEST(CustomOp, works_with_all_derivatives) {
  const CustomOp op = swish();
  const Variable x = number(0.4);
  EXPECT_DOUBLE_EQ(op(x).item(), silu(x).item());
  EXPECT_NEAR(grad(op(x), x).item(), grad(silu(x), x).item(), 1e-14);
  EXPECT_NEAR(grad(recorded_grad(op(x), x), x).item(), grad(recorded_grad(silu(x), x), x).item(), 1e-14);
  const Tensor t = tensor({2.0}, {}, float64);
  EXPECT_NEAR(push_tangents<Tensor>(op(x), std::span(&x, 1), std::span(&t, 1)).item(), 2 * grad(silu(x), x).item(),
              1e-14);
  EXPECT_FALSE(op(Variable(t)).tracked());
  EXPECT_EQ(op(tracked(ones({2, 2}))).dtype(), float32);
}

TEST(CustomOp, several_inputs) {
  const CustomOp op(
      "scaled_difference", [](auto x) { return (x[0] - x[1]) * x[2]; },
      [](auto x, const Variable&, const Variable& g) {
        return std::vector<Variable>{g * x[2], -g * x[2], g * (x[0] - x[1])};
      },
      {ones({2}, float64), zeros({2}, float64), full({2}, 3, float64)});
  const Variable a = number(5), b = number(2), c = number(7);
  const std::vector<Tensor> g = grad(op(a, b, c), std::vector{a, b, c});
  EXPECT_EQ(g[0].item(), 7);
  EXPECT_EQ(g[1].item(), -7);
  EXPECT_EQ(g[2].item(), 3);
}

TEST(CustomOp, a_wrong_rule_cannot_be_made_into_an_operation) {
  const std::string error = error_of([] {
    CustomOp(
        "wrong_swish", [](auto x) { return x[0] * sigmoid(x[0]); },
        [](auto x, const Variable&, const Variable& g) { return std::vector<Variable>{g * sigmoid(x[0])}; }, samples());
  });
  EXPECT_TRUE(error.starts_with("wrong_swish: the derivative rule is wrong: ")) << error;
  EXPECT_NE(error.find("first order, input 0 [3, 4], element"), std::string::npos) << error;
  EXPECT_NE(error.find("differences give"), std::string::npos) << error;
}

TEST(CustomOp, a_rule_that_is_right_once_but_not_twice_is_caught) {
  // The rule computes on plain values, so that its own derivative is lost.
  const std::string error = error_of([] {
    CustomOp(
        "cube", [](auto x) { return x[0] * x[0] * x[0]; },
        [](auto x, const Variable&, const Variable& g) {
          return std::vector<Variable>{g * stop_gradient(x[0] * x[0] * 3)};
        },
        samples());
  });
  EXPECT_NE(error.find("second order"), std::string::npos) << error;
}

TEST(CustomOp, malformed_rules) {
  auto make = [](CustomOp::Vjp rule) {
    CustomOp(
        "double_it", [](auto x) { return x[0] * 2; }, std::move(rule), samples());
  };
  EXPECT_EQ(error_of([&] { make([](auto, const Variable&, const Variable&) { return std::vector<Variable>(); }); }),
            "double_it: its derivative rule gave 0 cotangents for 1 inputs");
  EXPECT_EQ(error_of([&] { make([](auto, const Variable&, const Variable& g) { return std::vector{sum(g)}; }); }),
            "double_it: its derivative rule gave [] for input 0 [3, 4]: shapes must agree");
  EXPECT_EQ(error_of([] { CustomOp("nothing", [](auto x) { return x[0]; }, {}, {}); }),
            "nothing: no sample inputs: expected one for each input, to check the derivative at");
}

}  // namespace
}  // namespace pf
