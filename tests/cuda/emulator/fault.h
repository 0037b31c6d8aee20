#pragma once
// What the emulator does when a kernel or the host did something wrong: a report that names the kernel, block, thread
// and source line, an error that stays until the process ends (as a real device's does), and by default that end.

#include <cuda_runtime_api.h>

#include <string>

namespace pf::emulator {

enum class FaultKind : int { kernel = 66, race = 67, host_access = 68 };  // the value is the process's exit code

/// Prints and keeps the report; ends the process unless the settings say to go on.
void report_fault(FaultKind kind, cudaError_t error, const std::string& text);
/// A call that was refused is no fault: the caller gets its error code. The reason is kept.
void note_refusal(const std::string& text);

/// The error that all calls give since a kernel failed; cudaSuccess until then.
extern cudaError_t device_error;

uint64_t fault_count();
const char* last_report();
/// As if nothing had happened: for tests that make faults on purpose.
void forget_faults();

}  // namespace pf::emulator
