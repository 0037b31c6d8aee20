// PF_EMULATOR_REPORT=table: when the process ends, what each kernel did, on stderr.

#include <cstdio>

#include "emulator/counters.h"
#include "emulator/kernel_names.h"
#include "emulator/settings.h"
#include "emulator/traffic.h"

namespace pf::emulator {
namespace {

void print_counters() {
  const Counters& c = counters();
  std::fprintf(
      stderr,
      "emulator: %lu launches, %lu products, %lu graphs with %lu kernels, %lu + %lu + %lu copies (up, down, on the "
      "device), %lu fills, %lu synchronisations and %lu implied, %lu allocations, %lu bytes at most\n",
      c.launches, c.gemms, c.graph_launches, c.graph_kernels, c.copies_to_device, c.copies_to_host, c.copies_on_device,
      c.fills, c.synchronisations, c.implicit_synchronisations, c.allocations, c.most_bytes_in_use);
  for (const auto& [kernel, counts] : kernel_counts()) {
    std::fprintf(stderr, "%10lu %10lu in graphs  %s\n", counts.launches, counts.graph_runs,
                 kernel_name(kernel).c_str());
  }
}

void print_traffic() {
  for (const auto& t : traffic_report()) {
    const uint64_t sectors = t.sectors_read + t.sectors_written, bytes = t.bytes_read + t.bytes_written;
    if (bytes == 0) continue;
    std::fprintf(stderr, "%12lu bytes read %12lu written, %6.3f x in sectors  %s\n", t.bytes_read, t.bytes_written,
                 32.0 * double(sectors) / double(bytes), t.kernel);
  }
  for (const auto& l : line_report()) {
    std::fprintf(stderr, "%-6s %-5s %10lu requests %7.2f units each, %4.0f %% of them needed  %s  %s\n",
                 l.shared_memory ? "shared" : "global", l.write ? "write" : "read", l.requests,
                 double(l.units) / double(l.requests), 100 * double(l.ideal) / double(l.units), l.line, l.kernel);
  }
}

/// What is made before this lives when it ends.
struct AtTheEnd {
  AtTheEnd() {
    settings();
    counters();
    kernel_counts();
    kernel_name(nullptr);
    traffic_report();
    line_report();
  }
  ~AtTheEnd() {
    if (!settings().report_table) return;
    print_counters();
    print_traffic();
  }
} at_the_end;

}  // namespace
}  // namespace pf::emulator
