#pragma once
// The emulated devices: how many, how large, and which one the calling host thread uses.

#include <cstddef>

namespace pf::emulator {

int device_count();
int current_device();
size_t device_memory_bytes();

}  // namespace pf::emulator
