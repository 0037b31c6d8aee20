// The fused operations with kernels of their own, forward and backward, at the sizes where the kernels change their way:
// around a warp, a block, eight rows of a matrix.

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/causal_attention.h"
#include "tensor/ops/join.h"
#include "tensor/ops/layer_norm.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/spline.h"
#include "tensor/random.h"

namespace pf {
namespace {

const Device device = Device::cuda();

Tensor there(const Tensor& x) { return to_device(x, device); }

/// Relative to 1 or the size of the numbers; float32 to `single` and float64 to a 2²⁷th of that.
void expect_close(const Tensor& expected, const Tensor& found, double single, const std::string& what) {
  ASSERT_EQ(found.device(), device) << what;
  ASSERT_EQ(found.shape(), expected.shape()) << what;
  ASSERT_EQ(found.dtype(), expected.dtype()) << what;
  const auto a = cast(expected, float64).to_vector<double>(), b = cast(found, float64).to_vector<double>();
  const double tolerance = expected.dtype() == float32 ? single : single * 0x1p-27;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    ASSERT_NEAR(a[i], b[i], tolerance * std::max(1.0, std::abs(a[i]))) << what << ", element " << i;
  }
}
template <size_t n>
void expect_close(const std::array<Tensor, n>& expected, const std::array<Tensor, n>& found, double single,
                  const std::string& what) {
  for (size_t i = 0; i < n; ++i) expect_close(expected[i], found[i], single, join(what, ", gradient ", i));
}

TEST(FusedParity, layer_norm) {
  Rng rng(1);
  for (DType dtype : {float32, float64})
    for (int64_t n : {1, 31, 32, 33, 257})
      for (int64_t rows : {0, 1, 33, 300}) {
        const Tensor x = rng.normal({rows, n}, dtype), g = rng.normal({rows, n}, dtype), w = rng.normal({n}, dtype),
                     b = rng.normal({n}, dtype);
        const std::string what = join("layer_norm ", dtype, " ", x.shape());
        const LayerNormOp op;
        const Tensor y = op.eval(x, w, b);
        expect_close(y, op.eval(there(x), there(w), there(b)), 1e-5, what);
        expect_close(op.fused_vjp({}, g, x, w, b, y),
                     op.fused_vjp({}, there(g), there(x), there(w), there(b), there(y)), 1e-4, what);
      }
}

TEST(FusedParity, causal_attention) {
  Rng rng(2);
  for (DType dtype : {float32, float64})
    for (int64_t tokens : {1, 5, 33, 70})
      for (int64_t width : {3, 16}) {
        // Heads next to each other, as a transformer has them: no matrix lies in sequence.
        auto heads = [&] { return transpose(rng.normal({2, tokens, 3, width}, dtype), 1, 2); };
        const Tensor q = heads(), k = heads(), v = heads(), g = heads();
        const std::string what = join("causal_attention ", dtype, " ", q.shape());
        const CausalAttention op;
        const Tensor y = op.eval(q, k, v);
        const auto moved = [](const Tensor& x) { return transpose(there(transpose(x, 1, 2)), 1, 2); };
        expect_close(y, op.eval(moved(q), moved(k), moved(v)), 1e-5, what);
        expect_close(op.fused_vjp({}, g, q, k, v, y),
                     op.fused_vjp({}, moved(g), moved(q), moved(k), moved(v), there(y)), 2e-5, what);
      }
}

TEST(FusedParity, spline) {
  Rng rng(3);
  for (DType dtype : {float32, float64})
    for (int64_t bins : {1, 2, 8, 13})
      for (bool inverse : {false, true}) {
        const Tensor p = rng.normal({257, 3 * bins - 1}, dtype), g = rng.normal({2, 257}, dtype);
        // Within, at the bound, outside, and what is no number.
        const Tensor special = tensor({0, 3, -3, 2.9999, 5, -7, NAN, INFINITY}, dtype);
        const Tensor x = concat({rng.normal({249}, dtype) * 2, special}, 0);
        const std::string what = join("spline ", dtype, " of ", bins, " bins", inverse ? ", inverse" : "");
        const Spline op{3, inverse};
        const Tensor y = op.eval(x, p);
        expect_close(y, op.eval(there(x), there(p)), 5e-5, what);
        expect_close(op.fused_vjp({}, g, x, p, y), op.fused_vjp({}, there(g), there(x), there(p), there(y)), 1e-3,
                     what);
      }
}

TEST(FusedParity, linear_algebra) {
  Rng rng(4);
  for (DType dtype : {float32, float64})
    for (int64_t n : {0, 1, 2, 8, 9, 33})
      for (int64_t count : {1, 5}) {
        const Tensor a = rng.normal({count, n, n}, dtype), b = rng.normal({count, n, 3}, dtype);
        const Tensor even = a + eye(n, dtype) * (4 * std::sqrt(double(n)));  // well conditioned
        const Tensor definite = matmul(even, transpose(even));
        const std::string what = join(dtype, " ", a.shape());
        expect_close(cholesky(definite), cholesky(there(definite)), 1e-4, "cholesky " + what);
        expect_close(solve(even, b), solve(there(even), there(b)), 1e-4, "solve " + what);
        expect_close(inverse(even), inverse(there(even)), 1e-4, "inverse " + what);
        expect_close(det(a), det(there(a)), 1e-3, "det " + what);
        const auto [sign, log_abs] = slogdet(a);
        const auto found = slogdet(there(a));
        expect_close(sign, found.sign, 0, "sign of det " + what);
        expect_close(log_abs, found.log_abs, 1e-3, "slogdet " + what);
        for (bool upper : {false, true})
          for (bool transposed : {false, true})
            expect_close(solve_triangular(even, b, {upper, transposed}),
                         solve_triangular(there(even), there(b), {upper, transposed}), 1e-4,
                         join("solve_triangular ", upper, transposed, " ", what));
      }
}

}  // namespace
}  // namespace pf
