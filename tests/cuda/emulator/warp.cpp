// Warp collectives: lanes of a mask wait for each other, the last one to arrive computes for all.

#include <algorithm>
#include <string>

#include "emulator/block.h"
#include "emulator/checker.h"

namespace pf::emulator {
namespace {

struct Warp {
  CudaThread* lanes;
  uint32_t size;
};

Warp warp_of(uint32_t number) {
  Block& block = running();
  return {block.threads.data() + size_t(number) * 32, std::min(32u, block.size - number * 32)};
}

bool waits_with(const CudaThread& a, const CudaThread& b) {
  return a.state == ThreadState::in_collective && a.operation == b.operation && a.mask == b.mask && a.place == b.place;
}

/// Lanes that have ended need not come; every other lane of the mask must be at the same call.
bool complete(const Warp& warp, const CudaThread& thread) {
  const Block::WarpLanes& lanes = running().warps[thread.warp];
  const uint32_t existing = warp.size == 32 ? ~0u : (1u << warp.size) - 1;
  if (thread.mask & existing & ~(lanes.done | lanes.in_collective)) return false;
  for (uint32_t i = 0; i < warp.size; ++i) {
    const CudaThread& lane = warp.lanes[i];
    if ((thread.mask >> i & 1) && lane.state != ThreadState::done && !waits_with(lane, thread)) return false;
  }
  return true;
}

const char* name(WarpOperation operation) {
  switch (operation) {
    case WarpOperation::sync:
      return "__syncwarp";
    case WarpOperation::shuffle:
      return "shuffle";
    case WarpOperation::ballot:
      return "vote";
    case WarpOperation::match:
      return "__match_any_sync";
    default:
      return "warp reduction";
  }
}

uint64_t combined(const Warp& warp, uint32_t members, WarpOperation operation) {
  uint64_t result = 0;
  bool first = true;
  for (uint32_t i = 0; i < warp.size; ++i) {
    if (!(members >> i & 1)) continue;
    const uint64_t value = warp.lanes[i].value;
    switch (operation) {
      case WarpOperation::ballot:
        result |= uint64_t(value != 0) << i;
        break;
      case WarpOperation::sum:
        result = uint32_t(result + value);
        break;
      case WarpOperation::smallest:
        result = first ? value : std::min(result, value);
        break;
      case WarpOperation::largest:
        result = first ? value : std::max(result, value);
        break;
      case WarpOperation::bit_and:
        result = first ? value : result & value;
        break;
      case WarpOperation::bit_or:
        result |= value;
        break;
      case WarpOperation::bit_xor:
        result ^= value;
        break;
      default:
        break;
    }
    first = false;
  }
  return result;
}

void release(const Warp& warp, const CudaThread& any) {
  const WarpOperation operation = any.operation;
  uint32_t members = 0;
  for (uint32_t i = 0; i < warp.size; ++i) {
    if ((any.mask >> i & 1) && warp.lanes[i].state == ThreadState::in_collective) members |= 1u << i;
  }
  const uint64_t common = combined(warp, members, operation);
  for (uint32_t i = 0; i < warp.size; ++i) {
    if (!(members >> i & 1)) continue;
    CudaThread& lane = warp.lanes[i];
    lane.result = common;
    if (operation == WarpOperation::shuffle) {
      const auto source = uint32_t(lane.source);
      if (!(members >> source & 1)) {
        thread_fault(cudaErrorIllegalInstruction, [&] {
          return "the shuffle at " + to_string(lane.place) + " reads lane " + std::to_string(source) +
                 ", which does not take part in it: the value is undefined";
        });
      }
      lane.result = warp.lanes[source].value;
    } else if (operation == WarpOperation::match) {
      lane.result = 0;
      for (uint32_t j = 0; j < warp.size; ++j) {
        if ((members >> j & 1) && warp.lanes[j].value == lane.value) lane.result |= 1u << j;
      }
    }
  }
  if (operation == WarpOperation::sync) checker::warp_synchronised(warp.lanes[0].linear, members);
  for (uint32_t i = 0; i < warp.size; ++i) {
    if (members >> i & 1) warp.lanes[i].state = ThreadState::ready;
  }
  running().warps[any.warp].in_collective &= ~members;
}

}  // namespace

int lane_index() { return int(current_thread->lane); }

uint64_t warp_collective(WarpOperation operation, uint32_t mask, uint64_t value, int source, Place place) {
  CudaThread& thread = *current_thread;
  if (running().launch->independent) {
    thread_fault(cudaErrorLaunchFailure, [&] {
      return std::string(name(operation)) + " at " + to_string(place) + " in a kernel launched as independent";
    });
  }
  if (!(mask >> thread.lane & 1)) {
    thread_fault(cudaErrorIllegalInstruction, [&] {
      return std::string(name(operation)) + " at " + to_string(place) + ": lane " + std::to_string(thread.lane) +
             " is not in its own mask";
    });
  }
  thread.state = ThreadState::in_collective;
  running().warps[thread.warp].in_collective |= 1u << thread.lane;
  thread.operation = operation;
  thread.mask = mask;
  thread.value = value;
  thread.source = source;
  thread.place = place;
  const Warp warp = warp_of(thread.warp);
  if (complete(warp, thread)) release(warp, thread);
  else wait_for_others();
  return thread.result;
}

void complete_collectives(uint32_t number) {
  const Warp warp = warp_of(number);
  for (uint32_t i = 0; i < warp.size; ++i) {
    CudaThread& lane = warp.lanes[i];
    if (lane.state == ThreadState::in_collective && complete(warp, lane)) release(warp, lane);
  }
}

std::string explain_collective(const CudaThread& thread) {
  const Warp warp = warp_of(thread.warp);
  std::string text = std::string(name(thread.operation)) + " at " + to_string(thread.place) + " with mask " +
                     std::to_string(thread.mask) + " waits for ever";
  for (uint32_t i = 0; i < warp.size; ++i) {
    const CudaThread& lane = warp.lanes[i];
    if (!(thread.mask >> i & 1) || lane.state == ThreadState::done || waits_with(lane, thread)) continue;
    return text + ": lane " + std::to_string(i) + " of the mask " +
           (lane.state == ThreadState::at_barrier ? "is at the barrier "
            : lane.mask != thread.mask            ? "is in a collective with another mask, "
                                                  : "is in another collective, ") +
           to_string(lane.place);
  }
  return text;
}

}  // namespace pf::emulator
