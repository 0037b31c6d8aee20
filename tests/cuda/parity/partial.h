#pragma once
// Libraries that were compiled with some formulas only, to be checked in a short time: which operations a test must leave out.

#include <cstdlib>

#include "tensor/error.h"

namespace pf::testing {

/// Set by PF_PARITY_LEAST=N: some formulas may be missing, but N operations must have been compared in the end.
inline int least_operations() {
  static const int least = [] {
    const char* text = std::getenv("PF_PARITY_LEAST");
    return text ? std::atoi(text) : 0;
  }();
  return least;
}
inline int& operations_compared() {
  static int count = 0;
  return count;
}
/// Whether this is the error of a formula that a partial library does not have.
inline bool is_left_out(const Error& e) {
  return least_operations() > 0 && std::string(e.what()).find("has no kernels of this operation") != std::string::npos;
}

}  // namespace pf::testing
