#include "emulator/signals.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "emulator/block.h"
#include "emulator/device_memory.h"
#include "emulator/fault.h"
#include "emulator/fiber.h"
#include "emulator/source_lines.h"

namespace pf::emulator {
namespace {

struct sigaction previous[2];
uintptr_t fault_code = 0;
void* fault_address = nullptr;

std::string explain_fault() {
  const std::string where = source_line(fault_code + 1);
  if (on_fiber_stack(fault_address)) return "the thread's stack overflows at " + where;
  if (!fault_address) return "access to an invalid or misaligned address at " + where;
  return std::string("access to ") + explain_address(fault_address) + " at " + where;
}

/// Goes on in the kernel's place after the signal handler has returned.
void end_faulting_thread() {
  thread_fault(cudaErrorIllegalAddress, [&] { return explain_fault(); });
}

void on_memory_fault(int number, siginfo_t* info, void* raw) {
  auto* context = static_cast<ucontext_t*>(raw);
#if defined(__x86_64__)
  fault_code = uintptr_t(context->uc_mcontext.gregs[REG_RIP]);
#endif
  fault_address = info->si_addr;
  if (in_cuda_thread()) {
#if defined(__x86_64__)
    const auto stack = uintptr_t(context->uc_mcontext.gregs[REG_RSP]);
    // On a stack that has overflowed there is no room: start from its other end, nothing of it is needed any more.
    const uintptr_t from = on_fiber_stack(fault_address) ? stack + 65536 : stack - 256;
    context->uc_mcontext.gregs[REG_RSP] = greg_t((from & ~uintptr_t(15)) - 8);
    context->uc_mcontext.gregs[REG_RIP] = greg_t(&end_faulting_thread);
    return;
#else
    report_fault(FaultKind::kernel, cudaErrorIllegalAddress,
                 std::string("access to ") + explain_address(fault_address));
    std::_Exit(int(FaultKind::kernel));
#endif
  }
  if (in_device_memory(info->si_addr)) {
    report_fault(FaultKind::host_access, cudaErrorIllegalAddress,
                 std::string("host code touches device memory (") + explain_address(info->si_addr) + ") at " +
                     source_line(fault_code + 1));
    std::_Exit(int(FaultKind::host_access));
  }
  sigaction(number, &previous[number == SIGBUS], nullptr);  // not ours: happens again, without us
}

void use_own_stack_for_signals() {
  static thread_local bool done = false;
  if (done) return;
  done = true;
  stack_t old;
  if (sigaltstack(nullptr, &old) == 0 && !(old.ss_flags & SS_DISABLE)) return;
  constexpr size_t bytes = size_t(256) << 10;
  stack_t stack{};
  stack.ss_sp = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack.ss_size = bytes;
  sigaltstack(&stack, nullptr);
}

}  // namespace

void watch_memory_faults() {
  static bool watching = false;
  if (watching) return;
  watching = true;
  struct sigaction action {};
  action.sa_sigaction = &on_memory_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &action, &previous[0]);
  sigaction(SIGBUS, &action, &previous[1]);
}

void prepare_for_kernel_faults() {
  watch_memory_faults();
  use_own_stack_for_signals();
}

}  // namespace pf::emulator
