#include "emulator/fiber.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "emulator/sanitizer.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace pf::emulator {
namespace {

constexpr size_t stack_bytes = with_address_sanitizer ? size_t(512) << 10 : size_t(256) << 10;
constexpr size_t guard_bytes = 4096;

char* all_stacks = nullptr;
Fiber* running = nullptr;
// The host's side of the switch.
void* host_context = nullptr;
void* host_fake_stack = nullptr;
const void* host_stack = nullptr;
size_t host_stack_bytes = 0;

char* stack_of(size_t i) {
  if (!all_stacks) {
    void* mapped = mmap(nullptr, Fiber::limit * stack_bytes, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapped == MAP_FAILED) {
      std::perror("emulator: no memory for the stacks of CUDA threads");
      std::_Exit(70);
    }
    all_stacks = static_cast<char*>(mapped);
  }
  char* stack = all_stacks + i * stack_bytes;
  mprotect(stack + guard_bytes, stack_bytes - guard_bytes, PROT_READ | PROT_WRITE);
  return stack;
}

}  // namespace

// Saves the caller's context in *save and goes on from `load`.
#if defined(__x86_64__)
// System V ABI: what a function must preserve lies on the stack, the stack pointer is the context.
extern "C" void pf_emulator_switch(void** save, void* load);
asm(R"(
.text
.type pf_emulator_switch,@function
.hidden pf_emulator_switch
pf_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pf_emulator_switch, .-pf_emulator_switch
)");
/// Stacks begin at different places in the caches: equal ones would push each other out at every switch.
static size_t top_offset(size_t i) { return 64 + i * (17 * 64) % (size_t(64) << 10); }
static void* make_context(char* stack, size_t number, void (*entry)()) {
  // At the entry the stack pointer is 8 below a multiple of 16, as after a call.
  void** top = reinterpret_cast<void**>(stack + stack_bytes - top_offset(number));
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  return top;
}
#else
static void pf_emulator_switch(void** save, void* load) {
  ucontext_t here;
  *save = &here;  // lives on the stack that is left
  swapcontext(&here, static_cast<ucontext_t*>(load));
}
static void* make_context(char* stack, size_t, void (*entry)()) {
  auto* context = reinterpret_cast<ucontext_t*>(stack + guard_bytes);
  getcontext(context);
  context->uc_stack.ss_sp = stack + guard_bytes + sizeof(ucontext_t);
  context->uc_stack.ss_size = stack_bytes - guard_bytes - sizeof(ucontext_t);
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
  return context;
}
#endif

Fiber& Fiber::get(size_t i) {
  static Fiber fibers[limit];
  Fiber& fiber = fibers[i];
  if (!fiber.stack_) {
    fiber.number_ = i;
    fiber.stack_ = stack_of(i);
  }
  return fiber;
}

void Fiber::prepare(Entry entry) {
  entry_ = entry;
  fake_stack_ = nullptr;
  permit(stack_ + guard_bytes, stack_bytes - guard_bytes);
  context_ = make_context(stack_, number_, &Fiber::start);
}

void Fiber::start() {
  enter_stack(nullptr, &host_stack, &host_stack_bytes);
  running->entry_();
  std::abort();
}

void Fiber::resume() {
  running = this;
  leave_stack(&host_fake_stack, stack_ + guard_bytes, stack_bytes - guard_bytes);
  pf_emulator_switch(&host_context, context_);
  enter_stack(host_fake_stack, nullptr, nullptr);
  running = nullptr;
}

void Fiber::leave(bool for_good) {
  Fiber* self = running;
  leave_stack(for_good ? nullptr : &self->fake_stack_, host_stack, host_stack_bytes);
  pf_emulator_switch(&self->context_, host_context);
  enter_stack(self->fake_stack_, &host_stack, &host_stack_bytes);
}
void Fiber::suspend() { leave(false); }
void Fiber::abandon() { leave(true); }

bool on_fiber_stack(const void* address) {
  const char* at = static_cast<const char*>(address);
  return all_stacks && at >= all_stacks && at < all_stacks + Fiber::limit * stack_bytes;
}

}  // namespace pf::emulator
