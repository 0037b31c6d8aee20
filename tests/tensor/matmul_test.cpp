#include "tensor/ops/matmul.h"
#include "arrays.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/rounding.h"

namespace pf::testing {
namespace {

// [..., m, k] × [..., k, n] by three loops, batch axes as they broadcast.
void expect_product(const Tensor& y, const Tensor& a, const Tensor& b, double tolerance) {
  const Shape batch = broadcast(detail::batch_axes(a.shape()), detail::batch_axes(b.shape()), "test");
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  const Tensor x = expand(a, detail::with_batch(batch, {m, k})), z = expand(b, detail::with_batch(batch, {k, n}));
  expect_elements(
      y, detail::with_batch(batch, {m, n}),
      [&](const Shape& i) {
        Shape left = i, right = i;
        double s = 0;
        for (int64_t p = 0; p < k; ++p) {
          left[i.rank() - 1] = right[i.rank() - 2] = p;
          s += x.at(left) * z.at(right);
        }
        return s;
      },
      tolerance);
}

double tolerance_of(DType dtype) { return dtype == float32 ? 1e-5 : 1e-13; }

TEST(MatMul, EveryLayout) {
  for (DType dtype : {float32, float64, int64})
    for (const auto& [m, k, n] :
         {std::array{3, 4, 5}, std::array{1, 1, 1}, std::array{2, 1, 7}, std::array{1, 6, 2}, std::array{17, 9, 1}})
      for (const auto& [how, a] : layouts({m, k}, dtype))
        for (const auto& [how_b, b] : layouts({k, n}, dtype)) {
          SCOPED_TRACE(join(dtype, " ", how, " × ", how_b, " ", a.shape(), b.shape()));
          expect_product(matmul(a, b), a, b, tolerance_of(dtype));
        }
}

TEST(MatMul, SizesAroundTheKernelTiles) {
  for (DType dtype : {float32, float64})
    for (int64_t m : {1, 5, 6, 7, 13, 64})
      for (int64_t k : {1, 2, 3, 16, 33})
        for (int64_t n : {1, 2, 7, 8, 15, 16, 17, 40}) {
          SCOPED_TRACE(join(dtype, " ", m, " ", k, " ", n));
          const Tensor a = numbers({m, k}, dtype), b = numbers({k, n}, dtype, 2),
                       c = transpose(numbers({n, k}, dtype, 3)), d = transpose(numbers({k, m}, dtype, 4));
          expect_product(matmul(a, b), a, b, tolerance_of(dtype));
          expect_product(matmul(a, c), a, c, tolerance_of(dtype));
          expect_product(matmul(d, b), d, b, tolerance_of(dtype));
          expect_product(matmul(d, c), d, c, tolerance_of(dtype));
        }
}

TEST(MatMul, Batches) {
  for (const auto& [sa, sb] : {std::pair{Shape{2, 3, 4}, Shape{4, 5}},
                               {Shape{3, 4}, Shape{2, 4, 5}},
                               {Shape{2, 3, 4}, Shape{2, 4, 5}},
                               {Shape{2, 1, 3, 4}, Shape{6, 4, 2}},
                               {Shape{1, 3, 4}, Shape{5, 4, 2}}})
    for (const auto& [how, a] : layouts(sa))
      for (const auto& [how_b, b] : layouts(sb)) {
        SCOPED_TRACE(join(sa, how, " × ", sb, how_b));
        expect_product(matmul(a, b), a, b, 1e-13);
      }
}

TEST(MatMul, Vectors) {
  const Tensor x = numbers({4}), y = numbers({4}, float64, 2), a = numbers({3, 4}), b = numbers({2, 4, 3});
  EXPECT_NEAR(matmul(x, y).item(), sum(x * y).item(), 1e-14);
  EXPECT_EQ(to_string(matmul(a, x).shape()), "[3]");
  EXPECT_EQ(to_string(matmul(x, b).shape()), "[2, 3]");
  expect_elements(matmul(a, x), {3}, [&](const Shape& i) { return sum(pick(a, 0, i[0]) * x).item(); });
  expect_elements(matmul(x, b), {2, 3},
                  [&](const Shape& i) { return sum(pick(pick(b, 0, i[0]), 1, i[1]) * x).item(); });
}

TEST(MatMul, Empty) {
  EXPECT_EQ(values(matmul(zeros({2, 0}), zeros({0, 3}))), std::vector<double>(6, 0.0));
  EXPECT_EQ(to_string(matmul(zeros({0, 2}), zeros({2, 3})).shape()), "[0, 3]");
  EXPECT_EQ(to_string(matmul(zeros({0, 5, 2}), zeros({2, 3})).shape()), "[0, 5, 3]");
  EXPECT_EQ(to_string(matmul(zeros({4, 5, 0}), zeros({0, 3})).shape()), "[4, 5, 3]");
  EXPECT_EQ(values(linear(zeros({2, 0}), zeros({1, 0}), ones({1}))), (std::vector<double>{1, 1}));
}

TEST(MatMul, Errors) {
  EXPECT_EQ(error_of([] {
              matmul(zeros({128, 784}), zeros({512, 784}));
            }),
            "matmul: [128, 784] × [512, 784]: inner sizes 784 and 512 differ; transpose the second operand?");
  EXPECT_EQ(error_of([] {
              matmul(zeros({784, 128}), zeros({784, 512}));
            }),
            "matmul: [784, 128] × [784, 512]: inner sizes 128 and 784 differ; transpose the first operand?");
  EXPECT_EQ(error_of([] {
              matmul(zeros({2, 3}), zeros({4, 5}));
            }),
            "matmul: [2, 3] × [4, 5]: inner sizes 3 and 4 differ");
  EXPECT_EQ(error_of([] {
              matmul(zeros({}), zeros({4, 5}));
            }),
            "matmul: [] × [4, 5]: a number is not a matrix; use a * b");
  EXPECT_EQ(error_of([] {
              matmul(zeros({2, 3, 4}), zeros({3, 4, 5}));
            }),
            "matmul: [2] and [3]: sizes 2 and 3 at axis -1 differ and neither is 1; reshape or expand one of them");
  EXPECT_EQ(error_of([] {
              matmul(zeros({2, 3}), zeros({3, 5}, float64));
            }),
            "matmul: float32 [2, 3] and float64 [3, 5]: element types differ; convert one with cast(x, float32)");
  EXPECT_EQ(
      error_of([] {
        linear(zeros({2, 3}), zeros({3, 5}), zeros({5}));
      }),
      "linear: x [2, 3] and weight [3, 5]: expected 5 at the last axis of x; the weight is [out, in], transpose it?");
  EXPECT_EQ(error_of([] {
              linear(zeros({2, 3}), zeros({4, 3}), zeros({3}));
            }),
            "linear: weight [4, 3] and bias [3]: expected a bias [4]");
}

TEST(MatMul, ThreadsDoNotChangeBits) {
  for (DType dtype : {float32, float64})
    for (const auto& [m, k, n] : {std::array{1000, 300, 200}, std::array{100, 700, 3000}, std::array{129, 128, 127},
                                  std::array{5000, 3, 300}}) {
      const Tensor a = numbers({m, k}, dtype), b = numbers({k, n}, dtype, 2), w = numbers({n, k}, dtype, 3);
      expect_threads_agree([&] { return matmul(a, b); });
      expect_threads_agree([&] { return matmul(transpose(b), transpose(a)); });
      expect_threads_agree([&] { return linear(a, w, pick(w, 1, 0)); });
    }
  const Tensor a = numbers({64, 100, 50}, float32), b = numbers({64, 50, 30}, float32, 2);
  expect_threads_agree([&] { return matmul(a, b); });
}

TEST(Linear, EqualsItsParts) {
  for (DType dtype : {float32, float64})
    for (int64_t rows : {1, 7, 256})
      for (int64_t in : {1, 2, 3, 5, 16, 33, 128})
        for (int64_t out : {1, 2, 3, 8, 24, 65}) {
          SCOPED_TRACE(join(dtype, " ", rows, " ", in, " ", out));
          const Tensor x = numbers({rows, in}, dtype), w = numbers({out, in}, dtype, 2), b = numbers({out}, dtype, 3);
          const double tolerance = dtype == float32 ? 1e-4 : 1e-12;
          const Tensor y = linear(x, w, b);
          EXPECT_LT(max(abs(y - (matmul(x, transpose(w)) + b))).item(), tolerance);
          const Tensor g = numbers(y.shape(), dtype, 4);
          const auto grads = AffineMap{}.fused_vjp({}, g, x, w, b, y);
          EXPECT_LT(max(abs(grads[0] - matmul(g, w))).item(), tolerance);
          EXPECT_LT(max(abs(grads[1] - matmul(transpose(g), x))).item(), tolerance);
          EXPECT_LT(max(abs(grads[2] - sum(g, 0))).item(), tolerance);
        }
  const Tensor x = numbers({2, 3, 4}), w = numbers({5, 4}), b = numbers({5});
  EXPECT_EQ(to_string(linear(x, w, b).shape()), "[2, 3, 5]");
  EXPECT_EQ(to_string(linear(pick(pick(x, 0, 0), 0, 0), w, b).shape()), "[5]");
  EXPECT_TRUE(same_bits(linear(x, w, Tensor()), matmul(x, transpose(w))));
  EXPECT_TRUE(same_bits(linear(x, w), matmul(x, transpose(w))));
}

}  // namespace
}  // namespace pf::testing
