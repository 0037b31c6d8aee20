#pragma once
// The source line of a code address, by binutils' addr2line: the innermost line that is not the emulator's own.

#include <cstdint>
#include <string>
#include <vector>

namespace pf::emulator {

/// file:line, for a return address.
std::string source_line(uintptr_t return_address);
/// Looks many up by few runs of addr2line; source_line() then knows them.
void look_up_lines(const std::vector<uintptr_t>& return_addresses);

}  // namespace pf::emulator
