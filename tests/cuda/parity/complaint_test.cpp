// What a kernel finds wrong is said in the words of the CPU, with the next reading of anything, and afterwards all works on.

#include <gtest/gtest.h>

#include <functional>

#include "autograd/checkpoint.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/reduce.h"
#include "tensor/random.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::error_of;
const Device device = Device::cuda();

/// n × n, the identity but for the last element of the diagonal of the last matrix.
Tensor nearly_identity(int64_t batch, int64_t n, double last, DType dtype) {
  std::vector<double> numbers;
  for (int64_t b = 0; b < std::max<int64_t>(1, batch); ++b)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        numbers.push_back(i != j ? 0 : i + 1 == n && b + 1 == std::max<int64_t>(1, batch) ? last : 1);
  return tensor(numbers, batch > 0 ? Shape{batch, n, n} : Shape{n, n}, dtype);
}

TEST(ComplaintParity, matrices_that_do_not_do) {
  const std::pair<const char*, std::function<Tensor(const Tensor&)>> operations[] = {
      {"cholesky", [](const Tensor& a) { return cholesky(a); }},
      {"inverse", [](const Tensor& a) { return inverse(a); }},
      {"solve", [](const Tensor& a) { return solve(a, a); }},
      {"solve_triangular", [](const Tensor& a) { return solve_triangular(a, a); }},
  };
  for (const auto& [name, operation] : operations)
    for (int64_t n : {1, 3, 20})
      for (int64_t batch : {0, 4})
        for (DType dtype : {float32, float64}) {
          const Tensor a = nearly_identity(batch, n, 0, dtype), there = to_device(a, device);
          const std::string expected = error_of([&] { operation(a); });
          EXPECT_FALSE(expected.empty()) << name;
          EXPECT_EQ(error_of([&] { cast(operation(there), float64).to_vector<double>(); }), expected)
              << name << " " << n;
          const Tensor good = to_device(nearly_identity(batch, n, 4, dtype), device);
          EXPECT_EQ(error_of([&] { cast(operation(good), float64).to_vector<double>(); }), "") << name;
        }
}

TEST(ComplaintParity, a_checkpoint_that_computes_something_else) {
  const Variable x = tracked(ones({4}, float32, device));
  Rng rng(1);
  const UseDevice on(device);
  const auto gradient = [&](bool same) {
    const Variable y = sum(checkpoint(
        [&](const Variable& v) {
          return same ? reshape(v, {4, 1}) : reshape(Variable(rng.uniform({4})), {4, 1}) + reshape(v, {4, 1});
        },
        x));
    return error_of([&] { grad(y, x).to_vector<float>(); });
  };
  EXPECT_EQ(gradient(true), "");
  const std::string said = gradient(false);
  EXPECT_TRUE(testing::contains(said, "checkpoint: the second run of the function gave another value")) << said;
  EXPECT_TRUE(testing::contains(said, "of 4): it must compute the same each time; draw random numbers outside"))
      << said;
  EXPECT_EQ(gradient(true), "");
}

}  // namespace
}  // namespace pf
