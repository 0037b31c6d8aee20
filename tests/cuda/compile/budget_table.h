#pragma once
// From what was compiled and what was counted to a table, and to complaints.

#include <map>
#include <string>
#include <vector>

#include "tests/cuda/compile/kernel_usage.h"
#include "tests/cuda/compile/traffic.h"

namespace pf::budget {

struct Found {
  std::string compiler;  // nvcc's version
  std::vector<KernelUsage> usage;
  std::map<std::string, Traffic> traffic;  // by kernel and body
};

/// bench/cuda_budget.md.
std::string table_of(const Found& found);

/// A sentence for each limit that is exceeded, each kernel without a budget, each budget without a kernel.
std::vector<std::string> complaints(const Found& found);

/// Whether a written table was made by the same compiler for the same architectures.
bool comparable(const std::string& written, const Found& found);

}  // namespace pf::budget
