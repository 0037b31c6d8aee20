// The solvers against equations with known solutions: orders of convergence, tolerances, both directions, derivatives.

#include "models/ode.h"

#include <cmath>

#include "autograd/gradcheck.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/trigonometric.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

/// dx/dt = −2 t x², x(0) = 1: x = 1/(1 + t²).
OdeState bell_slope(double t, const OdeState& x) { return {x[0] * x[0] * (-2 * t)}; }
double bell(double t) { return 1 / (1 + t * t); }
OdeState at(double x) { return {Variable(full({1}, x, float64))}; }

double error_with(OdeMethod method, int64_t steps) {
  return std::abs(solve_ode(bell_slope, at(1), 0, 1, {.method = method, .steps = steps}).state[0].item() - bell(1));
}

TEST(Ode, FixedStepsConvergeWithTheirOrder) {
  const std::pair<OdeMethod, double> expected[] = {
      {OdeMethod::euler, 1}, {OdeMethod::midpoint, 2}, {OdeMethod::heun, 2}, {OdeMethod::rk4, 4}};
  for (auto [method, order] : expected) {
    const double measured = std::log2(error_with(method, 64) / error_with(method, 128));
    EXPECT_NEAR(measured, order, 0.15) << name_of(method);
  }
}

// With a tolerance that accepts everything the step sizes are fixed parts of the whole (1/20, 1/4, the rest), so halving the
// interval halves every step: the error of fifth-order steps falls by 2⁶.
TEST(Ode, DormandPrinceIsOfOrderFive) {
  auto error = [](double h) {
    const double start = 0.4;
    return std::abs(solve_ode(bell_slope, at(bell(start)), start, start + h, {.tolerance = 1e9}).state[0].item() -
                    bell(start + h));
  };
  EXPECT_NEAR(std::log2(error(0.2) / error(0.1)), 6, 0.4);
}

TEST(Ode, AdaptiveStepsMeetTheTolerance) {
  int64_t before = 0;
  for (double tolerance : {1e-3, 1e-5, 1e-7, 1e-9}) {
    const OdeSolution solution = solve_ode(bell_slope, at(1), 0, 3, {.tolerance = tolerance});
    EXPECT_LT(std::abs(solution.state[0].item() - bell(3)), 10 * tolerance);
    EXPECT_GT(solution.evaluations, before);
    before = solution.evaluations;
  }
  EXPECT_LT(before, 1500);
}

TEST(Ode, BackwardInTime) {
  for (OdeMethod method : {OdeMethod::rk4, OdeMethod::dopri5}) {
    const OdeOptions options{.method = method, .steps = 200, .tolerance = 1e-10};
    const OdeState end = solve_ode(bell_slope, at(1), 0, 2, options).state;
    EXPECT_NEAR(solve_ode(bell_slope, end, 2, 0, options).state[0].item(), 1, 1e-7) << name_of(method);
  }
  EXPECT_EQ(solve_ode(bell_slope, at(5), 1, 1, {}).state[0].item(), 5);
}

TEST(Ode, SeveralPartsAndTheWay) {
  // A rotation, with the angle as a second part.
  const OdeField field = [](double, const OdeState& x) {
    const Tensor quarter = tensor({0, 1, -1, 0}, {2, 2}, float64);
    return OdeState{matmul(x[0], Variable(quarter)), Variable(ones({1}, float64))};
  };
  std::vector<double> times;
  const OdeState start{Variable(tensor({1, 0}, {1, 2}, float64)), Variable(zeros({1}, float64))};
  const OdeState end = solve_ode(field, start, 0, 1.5, {.tolerance = 1e-9}, [&](double t, const OdeState& x) {
                         times.push_back(t);
                         EXPECT_NEAR(x[1].item(), t, 1e-9);
                       }).state;
  EXPECT_NEAR(end[0].value().at({0, 0}), std::cos(1.5), 1e-7);
  EXPECT_NEAR(end[0].value().at({0, 1}), std::sin(1.5), 1e-7);
  EXPECT_EQ(times.front(), 0);
  EXPECT_EQ(times.back(), 1.5);
}

TEST(Ode, DerivativesOfTheSolution) {
  // With respect to the start and to a parameter of the field.
  for (OdeMethod method : {OdeMethod::euler, OdeMethod::midpoint, OdeMethod::heun, OdeMethod::rk4, OdeMethod::dopri5}) {
    const ListMap solution = [&](std::span<const Variable> in) {
      const OdeField field = [&](double t, const OdeState& x) { return OdeState{sin(x[0] * in[1] + t)}; };
      return solve_ode(field, {in[0]}, 0, 1, {.method = method, .steps = 4, .tolerance = 1e9}).state[0];
    };
    const GradcheckReport report = gradcheck(solution, {tensor({0.3, -0.8}, float64), tensor({1.2, 0.7}, float64)},
                                             {.second_order = method == OdeMethod::rk4});
    EXPECT_TRUE(report.ok()) << name_of(method) << ": " << to_string(report);
  }
}

TEST(Ode, Errors) {
  const std::string stopped =
      error_of([] { solve_ode(bell_slope, at(1), 0, 10, {.tolerance = 1e-12, .max_steps = 5}); });
  EXPECT_TRUE(contains(stopped, "ode: dopri5 stopped at t = "));
  EXPECT_TRUE(contains(stopped, "on the way from 0 to 10 after 5 steps: the error is "));
  EXPECT_TRUE(contains(stopped, "allow more steps or a larger tolerance"));
  const OdeField broken = [](double, const OdeState& x) { return OdeState{x[0] * NAN}; };
  EXPECT_TRUE(contains(error_of([&] { solve_ode(broken, at(1), 0, 1, {}); }), "the field gave NaN near t = 0"));
  EXPECT_TRUE(
      contains(error_of([] { solve_ode(bell_slope, at(1), 0, 1, {.tolerance = 0}); }), "expected a positive number"));
  EXPECT_TRUE(contains(error_of([] { solve_ode(bell_slope, at(1), 0, 1, {.method = OdeMethod::rk4, .steps = 0}); }),
                       "ode: 0 steps: expected at least 1"));
  EXPECT_TRUE(contains(error_of([] { parse_ode_method("dopri"); }), "dopri5"));
}

}  // namespace
}  // namespace pf
