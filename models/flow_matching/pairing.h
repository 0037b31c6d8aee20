#pragma once
// Which noise goes with which point of a batch (Tong et al. 2023, arXiv 2302.00482, section 3.2). Any pairing has the right
// marginals over the whole batch. Over the points of one condition it has them only if pairs share their condition, or a class
// on the right would get only noise from the right, and sampling gives it all (Cheng & Schwing 2025, arXiv 2503.10636): so a
// noise has the condition of the point that it was drawn for, and different conditions are far apart.

#include <vector>

#include "models/context.h"
#include "tensor/random.h"

namespace pf {

struct VitalSign;

enum class Pairing { independent, optimal, entropic };

/// The rows of x0 in the order in which they go with those of x1. context: a row for each point of x1, or undefined. sigma: of
/// the entropic plan, 2σ² its ε.
Tensor paired(Pairing pairing, const Tensor& x0, const Tensor& x1, const Tensor& context, double sigma, Rng& rng);

/// Of the entropic plan for these rows: how good it is. Nothing of other pairings.
std::vector<VitalSign> pairing_signs(Pairing pairing, const Tensor& x0, const Tensor& x1, const Tensor& context,
                                     double sigma);

/// Noise for the rows of x1, paired. context: a row for each point, or undefined. sigma: of the entropic plan, 2σ² its ε.
Tensor paired_noise(Pairing pairing, const Tensor& x1, const Tensor& context, double sigma, Rng& rng);

}  // namespace pf
