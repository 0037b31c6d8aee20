#include "emulator/control.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "emulator/api_call.h"
#include "emulator/checker.h"
#include "emulator/counters.h"
#include "emulator/fault.h"
#include "emulator/kernel_names.h"
#include "emulator/sanitizer.h"
#include "emulator/settings.h"
#include "emulator/stream.h"
#include "emulator/traffic.h"

namespace pf::emulator {
namespace {

using Lock = std::lock_guard<std::recursive_mutex>;

template <class T> size_t copy_out(const std::vector<T>& from, T* to, size_t capacity) {
  std::copy_n(from.begin(), std::min(capacity, from.size()), to);
  return from.size();
}

void reset_counters() {
  const Lock lock(runtime_lock());
  const Counters old = counters();
  counters() = {};
  counters().bytes_in_use = counters().most_bytes_in_use = old.bytes_in_use;
  counters().live_allocations = old.live_allocations;
  kernel_counts().clear();
}

size_t kernels(pf_emulator_kernel_count* entries, size_t capacity) {
  const Lock lock(runtime_lock());
  size_t i = 0;
  for (const auto& [kernel, counts] : kernel_counts()) {
    if (i < capacity) entries[i] = {kernel_name(kernel).c_str(), counts.launches, counts.graph_runs};
    ++i;
  }
  return i;
}

uint64_t launches_of(const char* part_of_name) {
  const Lock lock(runtime_lock());
  uint64_t sum = 0;
  for (const auto& [kernel, counts] : kernel_counts()) {
    if (kernel_name(kernel).find(part_of_name) != std::string::npos) sum += counts.launches + counts.graph_runs;
  }
  return sum;
}

void fail_call(uint64_t n, int error) {
  const Lock lock(runtime_lock());
  injected_failures().call = n;
  injected_failures().call_error = error;
  injected_failures().hit.clear();
}
void fail_call_of(const char* name, uint64_t n, int error) {
  const Lock lock(runtime_lock());
  injected_failures().name = name;
  injected_failures().named_call = n;
  injected_failures().named_error = error;
  injected_failures().hit.clear();
}
void fail_kernel(uint64_t n, int error) {
  const Lock lock(runtime_lock());
  injected_failures().kernel = n;
  injected_failures().kernel_error = error;
  injected_failures().hit.clear();
}

void set_streams(int mode) {
  const Lock lock(runtime_lock());
  drain_all();
  settings().streams = StreamMode(mode);
}

constexpr pf_emulator_control_table table = {
    .set_order = [](int order) { settings().order = Order(order); },
    .set_streams = set_streams,
    .set_seed = [](uint64_t seed) { set_seed(seed); },
    .set_exit_on_fault = [](int exit) { settings().exit_on_fault = exit != 0; },
    .set_reuse_memory = [](int reuse) { settings().reuse_memory = reuse != 0; },
    .set_device_memory = [](size_t bytes) { settings().device_memory = bytes; },
    .has_checker = [] { return int(checker::present); },
    .has_address_sanitizer = [] { return int(with_address_sanitizer); },
    .counters = [] { return counters(); },
    .reset_counters = reset_counters,
    .kernels = kernels,
    .launches_of = launches_of,
    .fail_call = fail_call,
    .fail_call_of = fail_call_of,
    .fail_kernel = fail_kernel,
    .failed_call = [] { return injected_failures().hit.c_str(); },
    .faults = [] { return fault_count(); },
    .last_report = [] { return last_report(); },
    .forget_faults =
        [] {
          drain_all();
          forget_faults();
          last_error() = cudaSuccess;
        },
    .lines = [](pf_emulator_line* entries, size_t capacity) { return copy_out(line_report(), entries, capacity); },
    .traffic = [](pf_emulator_traffic* entries,
                  size_t capacity) { return copy_out(traffic_report(), entries, capacity); },
    .reset_traffic = [] { reset_traffic_report(); },
};

}  // namespace
}  // namespace pf::emulator

extern "C" const pf_emulator_control_table* pf_emulator_control(void) { return &pf::emulator::table; }
