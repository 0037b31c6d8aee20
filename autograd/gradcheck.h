#pragma once
// Whether derivatives are right: every kind of derivative of a function, in double precision, against central
// differences and against each other. For the library's own operations, and for yours.

#include <vector>

#include "autograd/autograd.h"

namespace pf {

struct GradcheckOptions {
  bool second_order = true;
  bool forward_mode = true;
  double tolerance = 1e-6;  // of the difference, relative to the larger value or to 1
  double step = 1e-3;       // of the differences; keep the inputs farther than this from kinks and poles
  int64_t exhaustive = 32;  // inputs of up to so many elements are checked element by element,
  int directions = 8;       // larger ones along so many random directions
  uint64_t seed = 1;
};

struct GradcheckReport {
  int64_t first_order = 0, second_order = 0, forward_mode = 0;  // numbers compared
  double worst_error = 0;                                       // relative to the larger value or to 1
  double tolerance = 0;
  std::string worst;  // what was compared where the error is largest

  bool ok() const { return worst_error <= tolerance; }
  int64_t comparisons() const { return first_order + second_order + forward_mode; }
};
/// One sentence: what was compared, and where the largest error is.
std::string to_string(const GradcheckReport& report);

/// Compares the derivatives of f at the inputs. Floating-point inputs are taken as float64 and differentiated; others
/// are passed on as they are. f gives any shape, float64, and may be strided, broadcast or empty, as may the inputs.
///
///   first order    reverse mode, through a random projection of the result, against differences
///   forward mode   along random tangents, of all inputs and of each alone, against differences and ⟨g, J t⟩ = ⟨Jᵀg, t⟩
///   second order   the recorded gradient against the plain one; its gradient against differences of the plain one; forward
///                  over reverse and reverse over forward against that
///
/// It stops after the first of these that is wrong.
GradcheckReport gradcheck(const ListMap& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace pf
