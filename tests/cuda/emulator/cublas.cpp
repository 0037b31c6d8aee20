// cuBLAS over OpenBLAS: matrix products in column-major order, as cuBLAS has them. Half types are multiplied in float32.

#include <cblas.h>
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "emulator/api_call.h"
#include "emulator/counters.h"
#include "emulator/device_memory.h"
#include "emulator/fault.h"
#include "emulator/stream.h"

using namespace pf::emulator;

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
  cublasMath_t math_mode = CUBLAS_DEFAULT_MATH;
  cublasAtomicsMode_t atomics_mode = CUBLAS_ATOMICS_NOT_ALLOWED;
  void* workspace = nullptr;
  size_t workspace_bytes = 0;
};

namespace {

/// A batch of products c = alpha op(a) op(b) + beta c.
struct Gemm {
  cublasOperation_t transpose_a, transpose_b;
  int m, n, k;
  const void* alpha;
  const void* a;
  int lda;
  long long stride_a;
  const void* b;
  int ldb;
  long long stride_b;
  const void* beta;
  void* c;
  int ldc;
  long long stride_c;
  int count = 1;
  bool tf32 = false;  // asked for by the call

  int rows_a() const { return transpose_a == CUBLAS_OP_N ? m : k; }
  int columns_a() const { return transpose_a == CUBLAS_OP_N ? k : m; }
  int rows_b() const { return transpose_b == CUBLAS_OP_N ? k : n; }
  int columns_b() const { return transpose_b == CUBLAS_OP_N ? n : k; }
};

CBLAS_TRANSPOSE blas(cublasOperation_t operation) { return operation == CUBLAS_OP_N ? CblasNoTrans : CblasTrans; }

/// Elements from the first to the last of a batch of matrices.
int64_t span(int rows, int columns, int leading, long long stride, int count) {
  if (rows == 0 || columns == 0 || count == 0) return 0;
  return int64_t(leading) * (columns - 1) + rows + stride * (count - 1);
}

template <class T> void multiply(const Gemm& g, T alpha, const T* a, const T* b, T beta, T* c) {
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemm(CblasColMajor, blas(g.transpose_a), blas(g.transpose_b), g.m, g.n, g.k, alpha, a, g.lda, b, g.ldb, beta,
                c, g.ldc);
  } else if constexpr (std::is_same_v<T, double>) {
    cblas_dgemm(CblasColMajor, blas(g.transpose_a), blas(g.transpose_b), g.m, g.n, g.k, alpha, a, g.lda, b, g.ldb, beta,
                c, g.ldc);
  }
}

template <class T> std::vector<float> to_float(const T* from, int64_t n) {
  std::vector<float> to(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) to[size_t(i)] = float(from[i]);
  return to;
}

/// Half types: alpha and beta are float32. What lies between the columns of c stays as it is.
template <class T> void multiply_half(const Gemm& g, float alpha, const T* a, const T* b, float beta, T* c) {
  const auto af = to_float(a, span(g.rows_a(), g.columns_a(), g.lda, 0, 1));
  const auto bf = to_float(b, span(g.rows_b(), g.columns_b(), g.ldb, 0, 1));
  auto cf = to_float(c, span(g.m, g.n, g.ldc, 0, 1));
  if (beta == 0) std::fill(cf.begin(), cf.end(), 0.0f);
  multiply<float>(g, alpha, af.data(), bf.data(), beta, cf.data());
  for (int j = 0; j < g.n; ++j) {
    for (int i = 0; i < g.m; ++i) c[i + int64_t(j) * g.ldc] = T(cf[size_t(i + int64_t(j) * g.ldc)]);
  }
}

template <class T> cublasStatus_t check(const CublasCall& call, const Gemm& g) {
  const auto sizes = "m, n, k = " + std::to_string(g.m) + ", " + std::to_string(g.n) + ", " + std::to_string(g.k) +
                     ", leading dimensions " + std::to_string(g.lda) + ", " + std::to_string(g.ldb) + ", " +
                     std::to_string(g.ldc);
  if (g.m < 0 || g.n < 0 || g.k < 0 || g.count < 0 || g.lda < std::max(1, g.rows_a()) ||
      g.ldb < std::max(1, g.rows_b()) || g.ldc < std::max(1, g.m)) {
    return call.refuse(CUBLAS_STATUS_INVALID_VALUE, "gemm: " + sizes + " do not fit together");
  }
  const int64_t spans[] = {span(g.rows_a(), g.columns_a(), g.lda, g.stride_a, g.count),
                           span(g.rows_b(), g.columns_b(), g.ldb, g.stride_b, g.count),
                           span(g.m, g.n, g.ldc, g.stride_c, g.count)};
  const void* const operands[] = {g.a, g.b, g.c};
  for (int i = 0; i < 3; ++i) {
    if (spans[i] == 0 || spans[2] == 0) continue;
    const Allocation* allocation = find_allocation(operands[i], size_t(spans[i]) * sizeof(T));
    if (allocation && !allocation->release_queued) continue;
    // A real GPU would read or write what lies there.
    report_fault(FaultKind::kernel, cudaErrorIllegalAddress,
                 std::string("gemm: operand ") + "abc"[i] + " leaves its allocation (" + sizes +
                     "): " + explain_address(operands[i]));
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  return CUBLAS_STATUS_SUCCESS;
}

template <class T> void run(const Gemm& g, double alpha, double beta) {
  if (device_error != cudaSuccess || g.m == 0 || g.n == 0) return;
  for (int i = 0; i < g.count; ++i) {
    const T* a = static_cast<const T*>(g.a) + g.stride_a * i;
    const T* b = static_cast<const T*>(g.b) + g.stride_b * i;
    T* c = static_cast<T*>(g.c) + g.stride_c * i;
    if constexpr (std::is_floating_point_v<T>) multiply<T>(g, T(alpha), a, b, T(beta), c);
    else multiply_half<T>(g, float(alpha), a, b, float(beta), c);
  }
}

/// alpha and beta are of type S.
template <class T, class S> cublasStatus_t enqueue_gemm(const CublasCall& call, cublasHandle_t handle, const Gemm& g) {
  if (!handle) return call.refuse(CUBLAS_STATUS_NOT_INITIALIZED, "the handle is null");
  if (cublasStatus_t status = check<T>(call, g)) return status;
  const bool on_device = handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE;
  const double alpha = on_device ? 0 : double(*static_cast<const S*>(g.alpha));
  const double beta = on_device ? 0 : double(*static_cast<const S*>(g.beta));
  if (!is_stream(handle->stream)) return call.refuse(CUBLAS_STATUS_EXECUTION_FAILED, "the handle's stream is gone");
  if (!stream_of(handle->stream).capture) ++counters().gemms;
  if (std::is_same_v<T, float> && (g.tf32 || handle->math_mode == CUBLAS_TF32_TENSOR_OP_MATH)) ++counters().tf32_gemms;
  const cudaError_t error = enqueue(handle->stream, NodeKind::kernel, nullptr, [=] {
    run<T>(g, on_device ? double(*static_cast<const S*>(g.alpha)) : alpha,
           on_device ? double(*static_cast<const S*>(g.beta)) : beta);
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace

#define PF_EMULATOR_CUBLAS_CALL(name) \
  const CublasCall call(name);        \
  if (cublasStatus_t status = call.refused()) return status

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  PF_EMULATOR_CUBLAS_CALL("cublasCreate");
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  PF_EMULATOR_CUBLAS_CALL("cublasDestroy");
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int* version) {
  PF_EMULATOR_CUBLAS_CALL("cublasGetVersion");
  *version = CUBLAS_VERSION;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  PF_EMULATOR_CUBLAS_CALL("cublasSetStream");
  handle->stream = stream;
  handle->workspace = nullptr;  // as documented: back to the library's own workspace
  handle->workspace_bytes = 0;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t* stream) {
  PF_EMULATOR_CUBLAS_CALL("cublasGetStream");
  *stream = handle->stream;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
  PF_EMULATOR_CUBLAS_CALL("cublasSetPointerMode");
  handle->pointer_mode = mode;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  PF_EMULATOR_CUBLAS_CALL("cublasSetMathMode");
  handle->math_mode = mode;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t* mode) {
  PF_EMULATOR_CUBLAS_CALL("cublasGetMathMode");
  *mode = handle->math_mode;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode) {
  PF_EMULATOR_CUBLAS_CALL("cublasSetAtomicsMode");
  handle->atomics_mode = mode;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  PF_EMULATOR_CUBLAS_CALL("cublasSetWorkspace");
  if (bytes && !find_allocation(workspace, bytes)) {
    return call.refuse(CUBLAS_STATUS_INVALID_VALUE, "the workspace is not device memory of that size");
  }
  handle->workspace = workspace;
  handle->workspace_bytes = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "unknown cuBLAS status";
  }
}
const char* cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                         int n, int k, const float* alpha, const float* a, int lda, long long stride_a,
                                         const float* b, int ldb, long long stride_b, const float* beta, float* c,
                                         int ldc, long long stride_c, int count) {
  PF_EMULATOR_CUBLAS_CALL("cublasSgemmStridedBatched");
  return enqueue_gemm<float, float>(
      call, handle, {ta, tb, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c, count});
}
cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                         int n, int k, const double* alpha, const double* a, int lda,
                                         long long stride_a, const double* b, int ldb, long long stride_b,
                                         const double* beta, double* c, int ldc, long long stride_c, int count) {
  PF_EMULATOR_CUBLAS_CALL("cublasDgemmStridedBatched");
  return enqueue_gemm<double, double>(
      call, handle, {ta, tb, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c, count});
}
cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                              const float* alpha, const float* a, int lda, const float* b, int ldb, const float* beta,
                              float* c, int ldc) {
  PF_EMULATOR_CUBLAS_CALL("cublasSgemm");
  return enqueue_gemm<float, float>(call, handle, {ta, tb, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1});
}
cublasStatus_t cublasDgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                              const double* alpha, const double* a, int lda, const double* b, int ldb,
                              const double* beta, double* c, int ldc) {
  PF_EMULATOR_CUBLAS_CALL("cublasDgemm");
  return enqueue_gemm<double, double>(call, handle, {ta, tb, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1});
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                          int n, int k, const void* alpha, const void* a, cudaDataType type_a, int lda,
                                          long long stride_a, const void* b, cudaDataType type_b, int ldb,
                                          long long stride_b, const void* beta, void* c, cudaDataType type_c, int ldc,
                                          long long stride_c, int count, cublasComputeType_t compute,
                                          cublasGemmAlgo_t) {
  PF_EMULATOR_CUBLAS_CALL("cublasGemmStridedBatchedEx");
  if (type_a != type_b || type_a != type_c)
    return call.refuse(CUBLAS_STATUS_NOT_SUPPORTED, "gemm: operands of different types");
  const bool in_double = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC;
  const bool in_half = compute == CUBLAS_COMPUTE_16F || compute == CUBLAS_COMPUTE_16F_PEDANTIC;
  if (in_half || in_double != (type_a == CUDA_R_64F)) {
    return call.refuse(CUBLAS_STATUS_NOT_SUPPORTED,
                       "gemm: write CUBLAS_COMPUTE_64F for float64, CUBLAS_COMPUTE_32F for the other types");
  }
  const Gemm g{ta, tb,  m,        n,    k, alpha, a,        lda,   stride_a,
               b,  ldb, stride_b, beta, c, ldc,   stride_c, count, compute == CUBLAS_COMPUTE_32F_FAST_TF32};
  switch (type_a) {
    case CUDA_R_32F:
      return enqueue_gemm<float, float>(call, handle, g);
    case CUDA_R_64F:
      return enqueue_gemm<double, double>(call, handle, g);
    case CUDA_R_16F:
      return enqueue_gemm<__half, float>(call, handle, g);
    case CUDA_R_16BF:
      return enqueue_gemm<__nv_bfloat16, float>(call, handle, g);
    default:
      return call.refuse(CUBLAS_STATUS_NOT_SUPPORTED, "gemm: a type that the emulator does not know");
  }
}
cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                            const void* alpha, const void* a, cudaDataType type_a, int lda, const void* b,
                            cudaDataType type_b, int ldb, const void* beta, void* c, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algorithm) {
  return cublasGemmStridedBatchedEx(handle, ta, tb, m, n, k, alpha, a, type_a, lda, 0, b, type_b, ldb, 0, beta, c,
                                    type_c, ldc, 0, 1, compute, algorithm);
}

}  // extern "C"
