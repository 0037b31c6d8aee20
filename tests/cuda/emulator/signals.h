#pragma once
// Memory faults that the machine itself reports: host code in device memory, kernels far outside of everything.

namespace pf::emulator {

/// While one lives, this host thread runs a kernel: its memory faults are the kernel's.
class KernelSignals {
 public:
  KernelSignals();
  ~KernelSignals();
  KernelSignals(const KernelSignals&) = delete;
};

/// From now on, host code that touches device memory ends the process with a report.
void watch_memory_faults();

}  // namespace pf::emulator
