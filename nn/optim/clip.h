#pragma once
#include "nn/gradients.h"

namespace pf {

/// √(Σ g²) over all gradients, summed in double precision in a fixed order.
double global_norm(const Gradients& gradients);

/// The same as a 0-d float64 tensor where the gradients are: on a GPU nothing waits for it.
Tensor global_norm_of(const Gradients& gradients);

/// The gradients, scaled so that their global norm is at most `max_norm`; their direction stays. Writes the norm before
/// to `norm` where it is given. A norm that is not finite is an error: clipping would spread it over all parameters. On a
/// GPU nothing waits unless `norm` is asked for; the error then comes with the next reading of anything, until which the
/// gradients are zero.
Gradients clip_by_norm(Gradients gradients, double max_norm, double* norm = nullptr);

/// The same on a GPU; `norm` becomes the norm before, a 0-d float64 tensor there.
Gradients clip_on_device(Gradients gradients, double max_norm, Tensor& norm);

}  // namespace pf
