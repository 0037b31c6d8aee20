#pragma once
// A graph as a drawing.

#include <string>

#include "autograd/variable.h"

namespace pf {

/// Graphviz text of everything that y was made from: operations with the shapes of their results, constants left out,
/// leaves as boxes with their labels.  `dot -Tsvg`
std::string to_dot(const Variable& y);

}  // namespace pf
