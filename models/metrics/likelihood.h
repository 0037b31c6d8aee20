#pragma once
// Likelihood as a number: the mean of −log p(x) over test rows, in nats, with the kind of density that it comes from. For
// an "exact" or "ode" density no model's expected NLL is below the entropy of the data; a "bound" is at least the NLL.

#include "models/metrics/estimate.h"
#include "models/transform.h"

namespace pf {

/// Mean of −log p; the error is that of a mean of independent rows. A row of density zero makes the value infinite.
Estimate negative_log_likelihood(const LogDensity& density);

/// −log₂ p(x) / d: nats divided by d ln 2. Integer data are dequantised (x + u, u uniform on [0, 1)), so that this is an upper
/// bound on the bits of the discrete code, with nothing to add.
Estimate bits_per_dimension(const Estimate& nats, int64_t d);

}  // namespace pf
