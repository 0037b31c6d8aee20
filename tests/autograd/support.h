#pragma once
// What the tests of this layer share.

#include <functional>
#include <string>

#include "autograd/variable.h"

namespace pf::testing_support {

/// The text of the Error that f throws, or "" where it throws none.
inline std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "";
}

/// A tracked float64 number.
inline Variable number(double x) { return tracked(tensor({x}, {}, float64)); }

}  // namespace pf::testing_support
