#pragma once
// All that is needed to differentiate: operations on variables, and the functions that take derivatives.

#include <functional>

#include "autograd/apply.h"
#include "autograd/engine.h"

namespace pf {

/// A function of one array, and of several.
using Map = std::function<Variable(const Variable&)>;
using ListMap = std::function<Variable(std::span<const Variable>)>;

}  // namespace pf
