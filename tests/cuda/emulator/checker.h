#pragma once
// What the scheduler tells the race checker. Libraries without the checker link checker_off.cpp, where all of this is
// nothing.

#include <cstddef>
#include <cstdint>

namespace pf::emulator {
struct Block;
struct KernelLaunch;
}  // namespace pf::emulator

namespace pf::emulator::checker {

extern const bool present;
void begin_launch(const KernelLaunch& launch);
void end_launch(const KernelLaunch& launch);
void begin_block(const Block& block);
void end_block(const Block& block);
/// __syncwarp by these lanes of the warp whose first thread is given.
void warp_synchronised(uint32_t first_thread, uint32_t lanes);
void fenced();
void access(const void* address, unsigned bytes, bool write, bool atomic, uintptr_t code);

}  // namespace pf::emulator::checker
