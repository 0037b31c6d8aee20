#pragma once
// The emulator under the loaded CUDA library, for tests that count calls or let them fail.

#include <dlfcn.h>

#include <cstdlib>

#include "tests/cuda/emulator/control.h"

namespace pf::testing {

/// Null where the library is the real one.
inline const pf_emulator_control_table* emulator() {
  static const pf_emulator_control_table* found = []() -> const pf_emulator_control_table* {
    const char* path = std::getenv("PF_CUDA_LIBRARY");
    void* library = path ? dlopen(path, RTLD_NOW) : nullptr;
    void* symbol = library ? dlsym(library, "pf_emulator_control") : nullptr;
    return symbol ? reinterpret_cast<const pf_emulator_control_table* (*)()>(symbol)() : nullptr;
  }();
  return found;
}

}  // namespace pf::testing
