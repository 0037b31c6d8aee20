#include "autograd/gradcheck.h"

#include <gtest/gtest.h>

#include "tensor/ops/all.h"
#include "tensor/ops/matmul.h"
#include "tensor/random.h"
#include "tests/autograd/support.h"

namespace pf {
namespace {

using testing_support::error_of;

/// x² with one derivative of choice wrong.
struct Faulty {
  static constexpr auto name = "faulty";
  bool wrong_reverse = false, wrong_forward = false;
  Tensor eval(const Tensor& x) const { return x * x; }
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A& x, const A&) const {
    return {g * x * (wrong_reverse ? 2.001 : 2.0)};
  }
  template <Array A> A jvp(const std::array<A, 1>& t, const A& x, const A&) const {
    return t[0] * x * (wrong_forward ? 2.001 : 2.0);
  }
};

GradcheckReport check_faulty(Faulty op, const Shape& shape, GradcheckOptions options = {}) {
  return gradcheck([op](std::span<const Variable> x) { return apply(op, x[0]); }, {Rng(5).normal(shape, float64)},
                   options);
}

TEST(Gradcheck, right_rules_pass_with_room) {
  const GradcheckReport report = check_faulty({}, {3, 4});
  EXPECT_TRUE(report.ok()) << to_string(report);
  EXPECT_LT(report.worst_error, 1e-9);
  EXPECT_EQ(report.first_order, 12);
  EXPECT_GT(report.second_order, 12);
  EXPECT_GT(report.forward_mode, 1);
}

TEST(Gradcheck, a_wrong_reverse_rule_is_caught_and_placed) {
  const GradcheckReport report =
      check_faulty({.wrong_reverse = true}, {3, 4}, {.second_order = false, .forward_mode = false});
  EXPECT_FALSE(report.ok());
  EXPECT_NE(report.worst.find("first order, input 0 [3, 4], element "), std::string::npos) << report.worst;
  EXPECT_FALSE(check_faulty({.wrong_reverse = true}, {100}).ok()) << "along random directions too";
}

TEST(Gradcheck, a_wrong_forward_rule_is_caught) {
  const GradcheckReport report = check_faulty({.wrong_forward = true}, {5});
  EXPECT_FALSE(report.ok());
  EXPECT_TRUE(check_faulty({.wrong_forward = true}, {5}, {.second_order = false, .forward_mode = false}).ok());
}

TEST(Gradcheck, a_lost_derivative_is_caught) {
  const GradcheckReport report =
      gradcheck([](std::span<const Variable> x) { return x[0] * stop_gradient(x[0]); }, {ones({2}, float64)});
  EXPECT_FALSE(report.ok());
  EXPECT_FALSE(gradcheck([](std::span<const Variable> x) { return stop_gradient(x[0]); }, {ones({2}, float64)}).ok());
}

TEST(Gradcheck, nan_is_an_error) {
  EXPECT_FALSE(gradcheck([](std::span<const Variable> x) { return log(x[0]); }, {full({2}, -1, float64)}).ok());
}

TEST(Gradcheck, whole_functions_and_inputs_that_are_not_differentiated) {
  Rng rng(2);
  const GradcheckReport report = gradcheck(
      [](std::span<const Variable> x) { return sum(tanh(matmul(x[0], x[1])) * x[2], 0) * double(x[3].numel()); },
      {rng.normal({4, 3}), rng.normal({3, 2}), rng.normal({4, 2}), rng.integers(5, {7})});
  EXPECT_TRUE(report.ok()) << to_string(report);
  EXPECT_EQ(report.first_order, 12 + 6 + 8);
}

TEST(Gradcheck, sentence) {
  const std::string text = to_string(check_faulty({}, {3}));
  EXPECT_TRUE(
      text.starts_with("12 comparisons (3 of first order, 2 of forward mode, 7 of second order), largest error "))
      << text;
  EXPECT_NE(text.find(" (allowed 1e-06): "), std::string::npos) << text;
}

TEST(Gradcheck, errors) {
  EXPECT_EQ(error_of([] { gradcheck([](std::span<const Variable> x) { return x[0]; }, {arange(0, 3, 1, int64)}); }),
            "gradcheck: none of the 1 inputs is floating-point");
  EXPECT_EQ(error_of([] { gradcheck([](std::span<const Variable>) { return Variable(ones({2})); }, {ones({2})}); }),
            "gradcheck: float64 inputs gave float32 [2]: expected float64");
}

}  // namespace
}  // namespace pf
