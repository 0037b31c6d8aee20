#pragma once
#include "nn/gradients.h"

namespace pf {

/// √(Σ g²) over all gradients, summed in double precision in a fixed order.
double global_norm(const Gradients& gradients);

/// The gradients, scaled so that their global norm is at most `max_norm`; their direction stays. Writes the norm before
/// to `norm` where it is given. A norm that is not finite is an error: clipping would spread it over all parameters.
Gradients clip_by_norm(Gradients gradients, double max_norm, double* norm = nullptr);

}  // namespace pf
