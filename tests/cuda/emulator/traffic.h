#pragma once
// Reports of the checker: per source line and per kernel. Empty without the checker.

#include <vector>

#include "emulator/control.h"

namespace pf::emulator {

const std::vector<pf_emulator_line>& line_report();
const std::vector<pf_emulator_traffic>& traffic_report();
void reset_traffic_report();

}  // namespace pf::emulator
