#pragma once
// Inversion by optimisation: a base point whose image is near x, for any map that can be pushed and differentiated. Good
// for maps without inverse (a GAN); on invertible maps it gives their inverse.
//
//   z* = argmin ‖T(z) − x‖² − λ log p₀(z)
//
// With λ = 0 the nearest image (Zhu et al. 2016, arXiv 1609.03552; through an ODE: Ben-Hamu et al. 2024, arXiv 2402.14017).
// With λ = 2σ² the likeliest z given x = T(z) + σ ε (Bora et al. 2017, arXiv 1703.03208): the sum is then −2σ² log p(z, x).
//
// The search walks in the normal coordinates w of the base, z = base.from_normal(w), where p₀ is N(0, I) and no step leaves the
// base's support; bases that have none are walked in themselves. A step function is followed by its relaxed map
// (Transform::push_relaxed), whose temperature falls on the way; what is kept, and the residual, are the map's own.

#include "models/transform.h"

namespace pf {

struct InversionOptions {
  int64_t candidates = 2048;  // base samples of which the best is where the search starts, row by row
  int64_t steps = 400;        // of Adam, all rows at once
  double rate = 0.1;          // at its highest
  uint64_t seed = 0;          // of the candidates
  double prior_weight = 0;    // λ
  Tensor start = {};          // z to start from, [n, base width], in place of the candidates; an encoder's answer
  double temperature = 0.5;   // of a relaxed map, at first; it falls to a tenth
};

/// z with T(z) about x, and how far off: ‖T(z) − x‖ for each row.
struct Inversion {
  Tensor z;         // [n, base width]
  Tensor residual;  // [n]
};

/// Minimises ‖T(z) − x‖² − λ log p₀(z) over z, keeping the best point on the way. x: [n, width]. Deterministic. With a condition
/// for each row, the search starts from the best of fewer samples.
Inversion invert_by_optimisation(const Transform& map, const Tensor& x, const InversionOptions& options = {},
                                 const Tensor& context = {});

}  // namespace pf
