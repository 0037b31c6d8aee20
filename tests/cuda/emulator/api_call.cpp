#include "emulator/api_call.h"

#include "emulator/counters.h"
#include "emulator/fault.h"
#include "emulator/settings.h"
#include "emulator/stream.h"

namespace pf::emulator {

std::recursive_mutex& runtime_lock() {
  static std::recursive_mutex mutex;
  return mutex;
}

cudaError_t& last_error() {
  static thread_local cudaError_t error = cudaSuccess;
  return error;
}

InjectedFailures& injected_failures() {
  static InjectedFailures failures = [] {
    const Settings& s = settings();
    if (s.fail_call == "kernel") return InjectedFailures{.kernel = s.fail_at, .kernel_error = s.fail_error};
    return InjectedFailures{.named_call = s.fail_at, .named_error = s.fail_error, .name = s.fail_call};
  }();
  return failures;
}

static bool count_down(uint64_t& n) { return n > 0 && --n == 0; }

ApiCall::ApiCall(const char* name) : lock_(runtime_lock()), name_(name) {
  ++counters().calls;
  InjectedFailures& failures = injected_failures();
  const bool any = count_down(failures.call);
  const bool named = failures.name == name && count_down(failures.named_call);
  if (any || named) {
    failures.hit = name;
    refused_ = cudaError_t(any ? failures.call_error : failures.named_error);
    note_refusal(std::string(name) + " fails because the test asked for it");
    return;
  }
  run_some_work();
  refused_ = device_error;
}

cudaError_t ApiCall::give(cudaError_t error) const {
  if (error != cudaSuccess) last_error() = error;
  return error;
}

cudaError_t ApiCall::refuse(cudaError_t error, const std::string& why) const {
  note_refusal(std::string(name_) + ": " + why);
  return give(error);
}

cublasStatus_t CublasCall::refused() const {
  if (call_.refused() == cudaSuccess) return CUBLAS_STATUS_SUCCESS;
  return call_.refused() == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED : CUBLAS_STATUS_EXECUTION_FAILED;
}

cublasStatus_t CublasCall::refuse(cublasStatus_t status, const std::string& why) const {
  note_refusal(why);
  return status;
}

cudaError_t injected_kernel_failure() {
  InjectedFailures& failures = injected_failures();
  if (!count_down(failures.kernel)) return cudaSuccess;
  failures.hit = "kernel";
  return cudaError_t(failures.kernel_error);
}

}  // namespace pf::emulator
