// Matrix products in every type, transposed and in batches.

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <cmath>

#include "selftest/emulator_fixture.h"

namespace pf::selftest {
namespace {

using Cublas = EveryMode;
PF_IN_EVERY_MODE(Cublas);

template <class T> std::vector<T> numbers(size_t n, uint32_t seed) {
  std::vector<T> values(n);
  for (T& v : values) {
    seed = seed * 1664525u + 1013904223u;
    v = T(float(int(seed >> 24)) / 64.0f - 2.0f);  // few digits: a sum of products is exact in float32
  }
  return values;
}

/// c = op(a) op(b) + c/2 for two matrices of a batch, column-major.
template <class T, class S>
void check_gemm(cudaStream_t stream, cudaDataType type, cublasComputeType_t compute, bool ta, bool tb) {
  const int m = 5, n = 7, k = 3, batch = 2;
  const int lda = (ta ? k : m) + 1, ldb = (tb ? n : k) + 2, ldc = m + 1;
  const auto elements = [](int ld, int columns) { return size_t(ld) * size_t(columns); };
  const size_t step_a = elements(lda, ta ? m : k), step_b = elements(ldb, tb ? k : n), step_c = elements(ldc, n);
  const auto a = numbers<T>(batch * step_a, 1), b = numbers<T>(batch * step_b, 2), c = numbers<T>(batch * step_c, 3);
  DeviceArray<T> da(a), db(b), dc(c);
  cublasHandle_t handle;
  ASSERT_EQ(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasSetStream(handle, stream), CUBLAS_STATUS_SUCCESS);
  const S one = 1, half = S(0.5);
  ASSERT_EQ(
      cublasGemmStridedBatchedEx(handle, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k, &one,
                                 da.data(), type, lda, int64_t(step_a), db.data(), type, ldb, int64_t(step_b), &half,
                                 dc.data(), type, ldc, int64_t(step_c), batch, compute, CUBLAS_GEMM_DEFAULT),
      CUBLAS_STATUS_SUCCESS)
      << emulator().last_report();
  const auto got = dc.read(stream);
  for (size_t i = 0; i < size_t(batch); ++i) {
    for (int column = 0; column < n; ++column) {
      for (int row = 0; row < ldc; ++row) {
        const size_t at = i * step_c + size_t(column * ldc + row);
        double expected = double(c[at]);
        if (row < m) {
          expected /= 2;
          for (int j = 0; j < k; ++j) {
            expected += double(a[i * step_a + size_t(ta ? row * lda + j : j * lda + row)]) *
                        double(b[i * step_b + size_t(tb ? j * ldb + column : column * ldb + j)]);
          }
        }
        EXPECT_EQ(float(got[at]), float(T(float(expected)))) << "at " << row << ", " << column;
      }
    }
  }
  ASSERT_EQ(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);
}

TEST_P(Cublas, ProductsInEveryType) {
  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      check_gemm<float, float>(stream_, CUDA_R_32F, CUBLAS_COMPUTE_32F, ta, tb);
      check_gemm<double, double>(stream_, CUDA_R_64F, CUBLAS_COMPUTE_64F, ta, tb);
      check_gemm<__half, float>(stream_, CUDA_R_16F, CUBLAS_COMPUTE_32F, ta, tb);
      check_gemm<__nv_bfloat16, float>(stream_, CUDA_R_16BF, CUBLAS_COMPUTE_32F, ta, tb);
    }
  }
}

TEST_P(Cublas, SizesThatDoNotFitAreRefused) {
  DeviceArray<float> x(std::vector<float>(64, 1.0f));
  cublasHandle_t handle;
  ASSERT_EQ(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasSetStream(handle, stream_), CUBLAS_STATUS_SUCCESS);
  const float one = 1, zero = 0;
  EXPECT_EQ(
      cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, x.data(), 3, x.data(), 4, &zero, x.data() + 32, 4),
      CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(emulator().faults(), 0u);
  // Operands that leave their memory: an error of the device.
  EXPECT_EQ(
      cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, x.data(), 4, x.data(), 4, &zero, x.data() + 56, 4),
      CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_EQ(emulator().faults(), 1u);
  emulator().forget_faults();
  cublasMath_t mode;
  ASSERT_EQ(cublasSetMathMode(handle, CUBLAS_TF32_TENSOR_OP_MATH), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasGetMathMode(handle, &mode), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(mode, CUBLAS_TF32_TENSOR_OP_MATH);
  emulator().reset_counters();
  for (cublasMath_t next : {CUBLAS_TF32_TENSOR_OP_MATH, CUBLAS_DEFAULT_MATH}) {
    ASSERT_EQ(cublasSetMathMode(handle, next), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(
        cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, x.data(), 4, x.data(), 4, &zero, x.data() + 32, 4),
        CUBLAS_STATUS_SUCCESS);
  }
  EXPECT_EQ(emulator().counters().gemms, 2u);
  EXPECT_EQ(emulator().counters().tf32_gemms, 1u);
  emulator().fail_call_of("cublasSgemm", 1, cudaErrorMemoryAllocation);
  EXPECT_EQ(
      cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, x.data(), 4, x.data(), 4, &zero, x.data() + 32, 4),
      CUBLAS_STATUS_ALLOC_FAILED);
  ASSERT_EQ(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);
}

}  // namespace
}  // namespace pf::selftest
