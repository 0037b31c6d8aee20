#pragma once
// What the compiler made of each kernel, as ptxas says it.

#include <cstdint>
#include <string>
#include <vector>

namespace pf::budget {

/// A kernel's name in parts: flat_pass<VjpBody<Div, float>, BFloat16> is the kernel flat_pass of the body VjpBody.
struct KernelName {
  std::string kernel, body;
  std::string elements;  // the types of numbers among the arguments of the template
  std::string whole;     // without namespaces
};
KernelName parts_of(const std::string& mangled_or_readable);

struct KernelUsage {
  KernelName name;
  int architecture = 0;  // 90 is compute capability 9.0
  int registers = 0;
  int64_t spilled = 0;  // bytes stored
  int64_t local = 0;    // bytes of local memory, of the functions it calls too
  int64_t shared = 0;   // bytes of static shared memory of a block
};

/// From the output of ptxas --verbose; throws where it is not understood.
std::vector<KernelUsage> read_usage(const std::string& text);

/// The share of an SM's threads that are there when as many blocks as fit run. 0 for an architecture that is not known.
double occupancy(const KernelUsage& usage, int threads, int64_t dynamic_shared);

}  // namespace pf::budget
