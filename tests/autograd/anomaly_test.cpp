#include "autograd/anomaly.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "tensor/ops/all.h"
#include "tests/autograd/support.h"

namespace pf {
namespace {

using testing_support::error_of;
using testing_support::number;

TEST(Anomaly, names_the_operation_and_the_place) {
  const AnomalyDetection on;
  const Variable x = tracked(tensor({1, 2, -3, 4}, {2, 2}));
  EXPECT_EQ(error_of([&] { log(x * 1.0); }), "log: made nan at [1, 0] of its output [2, 2] from finite inputs [2, 2]");
  EXPECT_EQ(error_of([&] { Variable(ones({2})) / Variable(zeros({2})); }),
            "div: made inf at [0] of its output [2] from finite inputs [2], [2]")
      << "constants too";
}

TEST(Anomaly, names_the_operation_whose_derivative_it_was) {
  const AnomalyDetection on;
  const Variable x = tracked(tensor({4, 0}));
  const Variable y = sum(sqrt(x));
  EXPECT_EQ(error_of([&] { grad(y, x); }), "sqrt: its derivative made inf at [1] of the gradient for an input [2]");
  EXPECT_NE(error_of([&] { recorded_grad(y, x); }), "");
}

TEST(Anomaly, what_comes_in_from_outside_is_not_blamed) {
  const AnomalyDetection on;
  const Variable x = tracked(tensor({1, NAN}));
  EXPECT_EQ(error_of([&] { exp(x); }), "");
}

TEST(Anomaly, is_off_by_default_and_ends_with_its_scope) {
  auto bad = [] { return error_of([] { log(number(-1)); }); };
  EXPECT_EQ(bad(), "");
  {
    const AnomalyDetection on;
    EXPECT_NE(bad(), "");
    { const AnomalyDetection again; }
    EXPECT_NE(bad(), "") << "the inner scope leaves the outer one on";
  }
  EXPECT_EQ(bad(), "");
}

}  // namespace
}  // namespace pf
