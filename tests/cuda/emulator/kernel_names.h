#pragma once
// The name of a kernel from its address, as written in the source: reports and counters speak of kernels by name.

#include <string>

namespace pf::emulator {

/// pf::cuda::fill<float>, say: without return type and parameters.
const std::string& kernel_name(const void* kernel);
/// From the linker's spelling: the demangled name without return type and parameters.
std::string readable_name(const char* mangled);

}  // namespace pf::emulator
