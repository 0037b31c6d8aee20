#include "emulator/fault.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "emulator/settings.h"

namespace pf::emulator {
namespace {

uint64_t faults = 0;
std::string report;

}  // namespace

cudaError_t device_error = cudaSuccess;

void report_fault(FaultKind kind, cudaError_t error, const std::string& text) {
  ++faults;
  report = text;
  std::fprintf(stderr, "emulator: %s\n", text.c_str());
  if (settings().exit_on_fault) {
    std::fflush(nullptr);
    std::_Exit(int(kind));
  }
  if (device_error == cudaSuccess) device_error = error;
}

void note_refusal(const std::string& text) { report = text; }
uint64_t fault_count() { return faults; }
const char* last_report() { return report.c_str(); }

void forget_faults() {
  faults = 0;
  report.clear();
  device_error = cudaSuccess;
}

}  // namespace pf::emulator
