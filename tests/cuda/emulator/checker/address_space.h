#pragma once
// Where an address lies that a kernel uses.

namespace pf::emulator::checker {

enum class AddressSpace { device, shared, local, program, host };
AddressSpace address_space(const void* address);

}  // namespace pf::emulator::checker
