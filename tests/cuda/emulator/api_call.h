#pragma once
// Every call of the runtime and of cuBLAS: one at a time, counted, and failing where a test asked for it.

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <mutex>
#include <string>

namespace pf::emulator {

class ApiCall {
 public:
  explicit ApiCall(const char* name);
  /// The injected failure, else an error that a kernel left behind.
  cudaError_t refused() const { return refused_; }
  /// Keeps the error for cudaGetLastError and gives what the call returns.
  cudaError_t give(cudaError_t error) const;
  /// A refusal by the emulator, with its reason.
  cudaError_t refuse(cudaError_t error, const std::string& why) const;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  const char* name_;
  cudaError_t refused_ = cudaSuccess;
};

/// For cuBLAS.
class CublasCall {
 public:
  explicit CublasCall(const char* name) : call_(name) {}
  cublasStatus_t refused() const;
  cublasStatus_t refuse(cublasStatus_t status, const std::string& why) const;

 private:
  ApiCall call_;
};

/// Of the calling host thread.
cudaError_t& last_error();

struct InjectedFailures {
  uint64_t call = 0, named_call = 0, kernel = 0;  // countdowns; 0: none
  int call_error = 0, named_error = 0, kernel_error = 0;
  std::string name, hit;
};
InjectedFailures& injected_failures();
/// Counts a kernel that is about to run; its injected error, or cudaSuccess.
cudaError_t injected_kernel_failure();

std::recursive_mutex& runtime_lock();

}  // namespace pf::emulator

/// Opens a function of the runtime.
#define PF_EMULATOR_CALL(name)              \
  const ::pf::emulator::ApiCall call(name); \
  if (call.refused() != cudaSuccess) return call.give(call.refused())
