// The checker: every access of a kernel goes through access(), which knows the address's allocation, compares with earlier
// accesses that are not ordered before this one, and counts.

#include "emulator/checker.h"

#include <algorithm>
#include <bit>
#include <string>

#include "emulator/block.h"
#include "emulator/checker/address_space.h"
#include "emulator/checker/order.h"
#include "emulator/checker/requests.h"
#include "emulator/checker/shadow.h"
#include "emulator/checker/sites.h"
#include "emulator/checker/statistics.h"
#include "emulator/device_memory.h"
#include "emulator/shared_memory.h"
#include "emulator/source_lines.h"

namespace pf::emulator::checker {
namespace {

constexpr size_t most_kept_pages = 20000;

Shadow global_shadow, shared_shadow;
Order order;
uint64_t launch_number = 0;
KernelStatistics* kernel = nullptr;

std::string where(const Access& access) {
  return "block " + std::to_string(access.block - 1) + " thread " + std::to_string(access.thread) + " at " +
         source_line(sites().code(access.site));
}
const char* kind(const Access& access) { return access.atomic ? "atomic access" : access.write ? "write" : "read"; }

[[noreturn]] void report_race(const Access& before, const Access& now, bool shared) {
  thread_fault(
      cudaErrorLaunchFailure,
      [&] {
        return std::string("data race on ") + (shared ? "shared" : "global") + " memory: " + kind(now) + " by " +
               where(now) + " and " + kind(before) + " by " + where(before) + " are not ordered";
      },
      FaultKind::race);
}

/// Compares with what is remembered of the word and remembers this access.
void check_word(Word& word, const Access& now, bool shared) {
  Access* place = nullptr;
  for (Access& before : word.last) {
    if (before.block == 0) {
      if (!place) place = &before;
      continue;
    }
    if ((before.bytes & now.bytes) == 0) continue;
    const bool same = before.block == now.block && before.thread == now.thread;
    const bool before_now = same || order.ordered(before, now);
    if (!before_now && (before.write || now.write) && !(before.atomic && now.atomic)) report_race(before, now, shared);
    // What comes before this access in every order need not be remembered, if this one conflicts with at least as much.
    const bool covers = before_now && (before.bytes & ~now.bytes) == 0 && (now.write || !before.write) &&
                        (before.atomic || !now.atomic);
    if (covers) place = &before;
  }
  if (!place) {  // forgets a read, by preference
    static unsigned turn = 0;
    place = &word.last[turn++ % Word::kept];
    for (Access& before : word.last) {
      if (!before.write) place = &before;
    }
  }
  *place = now;
}

void count_bytes(uint8_t& touched, uint8_t mask, bool write) {
  const auto fresh = uint8_t((write ? mask << 4 : mask) & ~touched);
  (write ? kernel->bytes_written : kernel->bytes_read) += uint64_t(std::popcount(fresh));
  touched = uint8_t(touched | fresh);
}

/// Ends the thread if the address is not one that it may use.
void check_address(AddressSpace space, const void* address, unsigned bytes, bool write, uintptr_t code) {
  const char* verb = write ? "write to " : "read of ";
  switch (space) {
    case AddressSpace::device: {
      const Allocation* allocation = find_allocation(address, bytes);
      if (allocation && allocation->accessible) return;
      thread_fault(cudaErrorIllegalAddress, [&] {
        return std::string(verb) + explain_address(static_cast<const char*>(address) + bytes - 1) + " at " +
               source_line(code);
      });
    }
    case AddressSpace::shared:
      if (in_shared_array(address, bytes)) return;
      thread_fault(cudaErrorIllegalAddress, [&] {
        return std::string(verb) + "shared memory outside of the arrays of the block at " + source_line(code);
      });
    case AddressSpace::program:
      if (!write) return;
      thread_fault(cudaErrorIllegalAddress,
                   [&] { return "write to a variable of the host program at " + source_line(code); });
    case AddressSpace::host:
      thread_fault(cudaErrorIllegalAddress, [&] { return std::string(verb) + "host memory at " + source_line(code); });
    case AddressSpace::local:
      return;
  }
}

}  // namespace

const bool present = true;
Sites& sites() {
  static Sites instance;
  return instance;
}
Requests& requests() {
  static Requests instance;
  return instance;
}

void begin_launch(const KernelLaunch& launch) {
  ++launch_number;
  if (global_shadow.size() > most_kept_pages) global_shadow.clear();
  order.begin_launch();
  kernel = &requests().kernels[launch.kernel];
  ++kernel->launches;
  kernel->most_threads = std::max<uint64_t>(kernel->most_threads, launch.block.x * launch.block.y * launch.block.z);
  kernel->most_shared = std::max<uint64_t>(kernel->most_shared, launch.shared_bytes);
}
void end_launch(const KernelLaunch&) {}

void begin_block(const Block& block) {
  order.begin_block(block.size);
  requests().begin_block(block.launch->kernel, block.size);
}
void end_block(const Block&) { requests().end_block(); }

void warp_synchronised(uint32_t first_thread, uint32_t lanes) { order.warp_synchronised(first_thread, lanes); }
void fenced() { order.fenced(current_thread->linear, running().epoch); }

void access(const void* address, unsigned bytes, bool write, bool atomic, uintptr_t code) {
  if (!in_cuda_thread()) return;  // of the host; it meets the memory's protection
  const AddressSpace space = address_space(address);
  if (space == AddressSpace::local) return;
  check_address(space, address, bytes, write, code);
  if (space == AddressSpace::program) return;

  const bool shared = space == AddressSpace::shared;
  const CudaThread& thread = *current_thread;
  const uintptr_t start = reinterpret_cast<uintptr_t>(address), end = start + bytes;
  Access now;
  now.block = uint32_t(running().linear) + 1;
  now.epoch = running().epoch;
  now.clock = order.clock(thread.linear);
  now.site = sites().number(code);
  now.thread = uint16_t(thread.linear);
  now.fences = order.fences(thread.linear);
  now.write = write;
  now.atomic = atomic;
  requests().add(thread.linear, now.site, start, bytes, shared, write);
  if (atomic && !shared) order.atomic_operation(start, now.block, thread.linear);
  for (uintptr_t word = start / 4 * 4; word < end; word += 4) {
    ShadowPage& page = shared ? shared_shadow.page(word, running_block) : global_shadow.page(word, launch_number);
    const size_t at = word % ShadowPage::bytes / 4;
    const uintptr_t from = std::max(start, word) - word, to = std::min(end, word + 4) - word;
    now.bytes = uint8_t(((1u << to) - 1) & ~((1u << from) - 1));
    check_word(page.word[at], now, shared);
    if (!shared) {
      if (!write || atomic) count_bytes(page.touched[at], now.bytes, false);
      if (write) count_bytes(page.touched[at], now.bytes, true);
    }
  }
}

}  // namespace pf::emulator::checker
