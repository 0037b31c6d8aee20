#pragma once
// Memory faults that the machine itself reports: host code in device memory, kernels far outside of everything.

namespace pf::emulator {

/// Before this host thread runs a kernel: its memory faults are to become reports.
void prepare_for_kernel_faults();

/// From now on, host code that touches device memory ends the process with a report.
void watch_memory_faults();

}  // namespace pf::emulator
