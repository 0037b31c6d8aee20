#pragma once
// The budget of every kernel: one line each. The program cuda_budget holds the compiled library to it.

#include <string_view>

namespace pf::budget {

/// Limits of a kernel, of one body of it where that is named. Streaming kernels ask for at most 1.05 times the bytes they
/// must move; occupancy is at least 50 %. What is allowed more says why.
struct Budget {
  std::string_view kernel, body;
  int threads;       // of a block
  double occupancy;  // least percentage of an SM's threads, on every architecture
  double sectors;    // most bytes of sectors asked for, for each byte that has to be moved; 0: not measured
  std::string_view why = "";
};

inline constexpr Budget budgets[] = {
    {"flat_pass", "", 256, 50, 1.05},
};

}  // namespace pf::budget
