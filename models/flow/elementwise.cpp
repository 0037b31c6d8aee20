#include "models/flow/elementwise.h"

#include "models/flow/affine_coupling.h"
#include "tensor/ops/hyperbolic.h"
#include "tensor/ops/spline.h"

namespace pf {

ElementwiseMap::Moved ElementwiseMap::operator()(const Variable& x, const Variable& parameters, bool pulling) const {
  const int64_t n = x.size(0), m = x.size(1);
  if (kind == CouplingKind::affine) {
    const Variable s = slice(parameters, 1, 0, m), t = slice(parameters, 1, m);
    if (pulling) return {apply(AffinePull{}, x, s, t), -tanh(s)};
    return {apply(AffinePush{}, x, s, t), tanh(s)};
  }
  auto [value, log_slope] = rational_quadratic_spline(x, reshape(parameters, {n, m, 3 * bins - 1}), bound, !pulling);
  return {value, log_slope};
}

void ElementwiseMap::validate(const char* op) const {
  check(bins >= 2, op, ": ", bins, " bins: expected at least 2");
  check(bound > 0, op, ": bound ", bound, ": expected a positive number");
}

}  // namespace pf
