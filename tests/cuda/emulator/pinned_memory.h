#pragma once
// Host memory that copies can use while the host goes on.

#include <cstddef>

namespace pf::emulator {

void* pin_new(size_t bytes);
bool unpin(void* address);
bool is_pinned(const void* address);

}  // namespace pf::emulator
