#pragma once
// Inversion by optimisation: a base point whose image is near x, for any map that can be pushed and differentiated. Good
// for maps without inverse (a GAN); on invertible maps it gives their inverse.

#include "models/transform.h"

namespace pf {

struct InversionOptions {
  int64_t candidates = 2048;  // base samples of which the best is where the search starts, row by row
  int64_t steps = 400;        // of Adam, all rows at once
  double rate = 0.1;          // at its highest
  uint64_t seed = 0;          // of the candidates
};

/// z with T(z) about x, and how far off: ‖T(z) − x‖ for each row.
struct Inversion {
  Tensor z;         // [n, base width]
  Tensor residual;  // [n]
};

/// Minimises ‖T(z) − x‖² over z, keeping the best point on the way. x: [n, width]. Deterministic. Throws where the map is
/// a step function: there is no slope to follow. With a condition for each row, the search starts from the best of fewer samples.
Inversion invert_by_optimisation(const Transform& map, const Tensor& x, const InversionOptions& options = {},
                                 const Tensor& context = {});

}  // namespace pf
