#pragma once
// The requests of all kernels since the last reset.

#include "emulator/checker/requests.h"

namespace pf::emulator::checker {

Requests& requests();

}  // namespace pf::emulator::checker
