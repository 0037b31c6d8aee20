// Matrix products by cuBLAS, which thinks in columns: the row-major product c = a b is its cᵀ = bᵀ aᵀ.

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "tensor/cuda/matmul.h"

namespace pf::cuda {
namespace {

// A row-major matrix that cuBLAS can read where it lies: rows or columns in sequence.
struct Operand {
  cublasOperation_t turn;
  int leading;
};
std::optional<Operand> readable(const Matrix& m) {
  const auto wide = [](int64_t step, int64_t least) {
    return step >= std::max<int64_t>(1, least) && step <= INT32_MAX;
  };
  if ((m.column == 1 || m.columns == 1) && wide(m.rows == 1 ? std::max<int64_t>(m.row, m.columns) : m.row, m.columns))
    return Operand{CUBLAS_OP_N, int(m.rows == 1 ? std::max<int64_t>(m.row, m.columns) : m.row)};
  if ((m.row == 1 || m.rows == 1) && wide(m.columns == 1 ? std::max<int64_t>(m.column, m.rows) : m.column, m.rows))
    return Operand{CUBLAS_OP_T, int(m.columns == 1 ? std::max<int64_t>(m.column, m.rows) : m.column)};
  return {};
}

/// float32 products may round their operands to TF32 (10 bits of fraction) only where PF_TF32=1 asks for it.
cublasComputeType_t float32_compute() {
  const char* asked = std::getenv("PF_TF32");
  return asked && std::string_view(asked) == "1" ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

}  // namespace

void multiply(DeviceState& device, DType dtype, const Matrix& a, int64_t a_step, const Matrix& b, int64_t b_step,
              void* c, int64_t c_step, int64_t count, bool add) {
  const auto left = readable(a), right = readable(b);
  check(left && right, "matmul: a matrix with strides [", a.row, ", ", a.column, "] or [", b.row, ", ", b.column,
        "] is not readable for cuBLAS; make it contiguous first");
  check(std::max({b.columns, a.rows, a.columns, count}) <= INT32_MAX, "matmul: ", count, " products of ",
        Shape{a.rows, a.columns}, " and ", Shape{a.columns, b.columns},
        ": cuBLAS counts in 32 bits; multiply in parts");
  const int m = int(b.columns), n = int(a.rows), k = int(a.columns);
  if (m == 0 || n == 0 || count == 0) return;
  const auto run = [&]<class T>(const T one, const T beta, cudaDataType_t type, cublasComputeType_t compute) {
    check_product(cublasGemmStridedBatchedEx(device.cublas(), right->turn, left->turn, m, n, k, &one, b.data, type,
                                             right->leading, b_step, a.data, type, left->leading, a_step, &beta, c,
                                             type, m, c_step, int(count), compute, CUBLAS_GEMM_DEFAULT),
                  "matmul", count == 1 ? Shape{n, m} : Shape{count, n, m});
  };
  const float one = 1, beta = add ? 1 : 0;
  if (dtype == float32) return run(one, beta, CUDA_R_32F, float32_compute());
  if (dtype == bfloat16) return run(one, beta, CUDA_R_16BF, CUBLAS_COMPUTE_32F);
  if (dtype == float16) return run(one, beta, CUDA_R_16F, CUBLAS_COMPUTE_32F);
  check(dtype == float64, "matmul: ", dtype, " on the GPU: expected float32 or float64; convert with cast(x, float32)");
  run(1.0, add ? 1.0 : 0.0, CUDA_R_64F, CUBLAS_COMPUTE_64F);
}

}  // namespace pf::cuda
