// What the checker counted, as the control interface gives it.

#include <deque>
#include <string>

#include "emulator/checker/sites.h"
#include "emulator/checker/statistics.h"
#include "emulator/kernel_names.h"
#include "emulator/source_lines.h"
#include "emulator/traffic.h"

namespace pf::emulator {

const std::vector<pf_emulator_line>& line_report() {
  static std::vector<pf_emulator_line> report;
  static std::deque<std::string> texts;
  const checker::Sites& sites = checker::sites();
  report.clear();
  texts.clear();
  std::vector<uintptr_t> codes;
  for (const auto& [key, line] : checker::requests().lines) codes.push_back(sites.code(key.second));
  look_up_lines(codes);
  for (const auto& [key, line] : checker::requests().lines) {
    texts.push_back(source_line(sites.code(key.second)));
    report.push_back({kernel_name(key.first).c_str(), texts.back().c_str(), line.shared, line.write, line.requests,
                      line.units, line.ideal});
  }
  return report;
}

const std::vector<pf_emulator_traffic>& traffic_report() {
  static std::vector<pf_emulator_traffic> report;
  report.clear();
  for (const auto& [kernel, k] : checker::requests().kernels) {
    report.push_back({kernel_name(kernel).c_str(), k.launches, k.sectors_read, k.sectors_written, k.bytes_read,
                      k.bytes_written, k.most_threads, k.most_shared});
  }
  return report;
}

void reset_traffic_report() {
  checker::requests().lines.clear();
  checker::requests().kernels.clear();
}

}  // namespace pf::emulator
