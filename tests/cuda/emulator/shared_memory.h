#pragma once
// The shared memory of the block that runs. Arrays lie between red zones and start as NaN, block by block.

#include <cstddef>
#include <string>

namespace pf::emulator {

inline constexpr size_t static_shared_limit = size_t(48) << 10;
inline constexpr size_t dynamic_shared_limit = size_t(99) << 10;  // with cudaFuncSetAttribute

/// Forgets the arrays of the last block.
void begin_shared_memory(size_t dynamic_bytes);
bool in_shared_memory(const void* address);
/// Whether the bytes lie in one array of the running block.
bool in_shared_array(const void* address, size_t bytes);

}  // namespace pf::emulator
