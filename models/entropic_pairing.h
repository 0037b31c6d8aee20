#pragma once
// Entropic optimal transport between two samples (Cuturi 2013, arXiv 1306.0895): the plan P of least Σ P c − ε H(P), found by
// Sinkhorn's iterations in logarithms, so that a small ε does not underflow.

#include "tensor/random.h"

namespace pf {

/// log P of the plan between uniform weights for the cost ‖xᵢ − yⱼ‖²: [n, m]. ε > 0, in the units of the cost. Iterates until
/// the row sums are right to `tolerance`, at most `iterations` times.
Tensor log_entropic_plan(const Tensor& x, const Tensor& y, double epsilon, int64_t iterations = 200,
                         double tolerance = 1e-3);

/// For each row of x a row of y, drawn from the plan: int64 [n].
Tensor entropic_pairing(const Tensor& x, const Tensor& y, double epsilon, Rng& rng);

}  // namespace pf
