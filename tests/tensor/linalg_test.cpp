#include <algorithm>

#include "arrays.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/rounding.h"

namespace pf::testing {
namespace {

double largest(const Tensor& x) { return max(abs(cast(x, float64))).item(); }

Tensor positive_definite(const Shape& shape, DType dtype) {
  const Tensor a = numbers(shape, dtype);
  return matmul(a, transpose(a)) + eye(shape.back(), dtype);
}

TEST(Linalg, Cholesky) {
  for (DType dtype : {float32, float64})
    for (const Shape& shape :
         {Shape{1, 1}, Shape{2, 2}, Shape{5, 5}, Shape{2, 3, 7, 7}, Shape{64, 64}, Shape{0, 3, 3}}) {
      const Tensor a = positive_definite(shape, dtype), l = cholesky(a);
      EXPECT_TRUE(same_bits(tril(l), l));
      EXPECT_LT(a.numel() ? largest(matmul(l, transpose(l)) - a) : 0, dtype == float32 ? 1e-3 : 1e-11);
    }
  EXPECT_EQ(
      error_of([] {
        cholesky(tensor({1, 0, 0, -2}, {2, 2}));
      }),
      "cholesky: pivot 1 of [2, 2] is -2: expected a positive definite matrix; add a small multiple of the identity?");
  EXPECT_EQ(
      error_of([] {
        cholesky(tensor({1, 0}, {2, 1, 1}));
      }),
      "cholesky: pivot 0 of [1, 1] (matrix 1 of the batch) is 0: expected a positive definite matrix; add a small "
      "multiple of the identity?");
  EXPECT_EQ(error_of([] { cholesky(zeros({2, 3})); }), "cholesky: [2, 3]: expected square matrices [..., n, n]");
}

TEST(Linalg, SolveTriangular) {
  for (DType dtype : {float32, float64})
    for (bool upper : {false, true})
      for (bool transposed : {false, true}) {
        const Tensor full = numbers({3, 5, 5}, dtype) + 4.0 * eye(5, dtype), b = numbers({3, 5, 2}, dtype, 2);
        const Tensor a = upper ? triu(full) : tril(full), op = transposed ? transpose(a) : a;
        const Tensor x = solve_triangular(full, b, {upper, transposed});  // the other triangle is not read
        EXPECT_LT(largest(matmul(op, x) - b), dtype == float32 ? 1e-5 : 1e-13);
        const Tensor v = numbers({5}, dtype, 3);
        EXPECT_EQ(to_string(solve_triangular(pick(a, 0, 0), v, {upper, transposed}).shape()), "[5]");
      }
  EXPECT_EQ(error_of([] {
              solve_triangular(tensor({1, 2, 3, 0}, {2, 2}), ones({2}));
            }),
            "solve_triangular: the matrix [2, 2] is singular: element 1 of its diagonal is 0");
  EXPECT_EQ(error_of([] {
              solve_triangular(eye(2), ones({3, 1}));
            }),
            "solve_triangular: matrix [2, 2] and right-hand side [3, 1]: expected 2 rows on the right");
}

TEST(Linalg, SolveAndInverse) {
  for (DType dtype : {float32, float64})
    for (const Shape& shape : {Shape{1, 1}, Shape{2, 2}, Shape{4, 6, 6}, Shape{50, 50}})
      for (const auto& [how, a] : layouts(shape, dtype)) {
        if (how.starts_with("repeated")) continue;  // singular
        SCOPED_TRACE(join(shape, how));
        const double tolerance = dtype == float32 ? 3e-3 : 1e-10;
        const int64_t n = a.size(-1);
        EXPECT_LT(largest(matmul(a, inverse(a)) - eye(n, dtype)), tolerance);
        const Tensor b = numbers({n, 3}, dtype, 2);
        EXPECT_LT(largest(matmul(a, solve(a, b)) - b), tolerance);
      }
  EXPECT_EQ(error_of([] { inverse(ones({2, 2})); }), "inverse: the matrix [2, 2] is singular: pivot 1 is 0");
  EXPECT_EQ(to_string(solve(eye(3), ones({3})).shape()), "[3]");
}

TEST(Linalg, Determinants) {
  const Tensor a = tensor({0, 2, 3, 4}, {2, 2}, float64);
  EXPECT_NEAR(det(a).item(), -6, 1e-12);
  auto [sign, log_abs] = slogdet(a);
  EXPECT_EQ(sign.item(), -1);
  EXPECT_NEAR(log_abs.item(), std::log(6), 1e-14);
  auto [zero, minus_infinity] = slogdet(ones({2, 2}));
  EXPECT_EQ(zero.item(), 0);
  EXPECT_EQ(minus_infinity.item(), -INFINITY);
  EXPECT_NEAR(slogdet(full({1, 1}, 1e-30) * eye(1)).log_abs.item(), std::log(1e-30), 1e-5);
  // det(a b) = det(a) det(b)
  const Tensor x = numbers({3, 4, 4}), y = numbers({3, 4, 4}, float64, 2);
  EXPECT_LT(largest(det(matmul(x, y)) - det(x) * det(y)), 1e-10);
  EXPECT_LT(largest(slogdet(x).sign * exp(slogdet(x).log_abs) - det(x)), 1e-12);
}

// Rules against central differences, in double.
template <class F> void expect_derivative(const Tensor& x, const Tensor& g, const Tensor& gradient, const F& f) {
  for (int64_t k = 0; k < x.numel(); ++k) {
    std::vector<double> step(size_t(x.numel()), 0.0);
    step[size_t(k)] = 1e-6;
    const Tensor h = tensor(step, x.shape(), float64);
    const double wanted = sum(g * (f(x + h) - f(x - h))).item() / 2e-6;
    EXPECT_NEAR(values(gradient)[size_t(k)], wanted, 1e-5 * std::max(1.0, std::abs(wanted))) << "element " << k;
  }
}

TEST(Linalg, Derivatives) {
  const Tensor p = positive_definite({3, 3}, float64), a = numbers({3, 3}) + 2.0 * eye(3, float64), b = numbers({3, 2});
  const Tensor g = numbers({3, 3}, float64, 5), h = numbers({3, 2}, float64, 6), s = ones({}, float64);
  expect_derivative(p, g, Cholesky{}.vjp({}, g, p, cholesky(p))[0], [](const Tensor& x) { return cholesky(x); });
  expect_derivative(a, g, Inverse{}.vjp({}, g, a, inverse(a))[0], [](const Tensor& x) { return inverse(x); });
  expect_derivative(a, s, LogAbsDet{}.vjp({}, s, a, s)[0], [](const Tensor& x) { return slogdet(x).log_abs; });
  expect_derivative(a, s, Det{}.vjp({}, s, a, det(a))[0], [](const Tensor& x) { return det(x); });
  const auto solved = Solve{}.vjp({}, h, a, b, solve(a, b));
  expect_derivative(a, h, solved[0], [&](const Tensor& x) { return solve(x, b); });
  expect_derivative(b, h, solved[1], [&](const Tensor& x) { return solve(a, x); });
  for (bool upper : {false, true})
    for (bool transposed : {false, true}) {
      const Triangular kind{upper, transposed};
      const auto grads = SolveTriangular{kind}.vjp({}, h, a, b, solve_triangular(a, b, kind));
      expect_derivative(a, h, grads[0], [&](const Tensor& x) { return solve_triangular(x, b, kind); });
      expect_derivative(b, h, grads[1], [&](const Tensor& x) { return solve_triangular(a, x, kind); });
    }
}

TEST(Linalg, ThreadsDoNotChangeBits) {
  const Tensor a = numbers({200, 20, 20}, float32) + 6.0 * eye(20);
  expect_threads_agree([&] { return inverse(a); });
  expect_threads_agree([&] { return slogdet(a).log_abs; });
  expect_threads_agree([&] { return cholesky(matmul(a, transpose(a))); });
}

}  // namespace
}  // namespace pf::testing
