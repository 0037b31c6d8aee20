#pragma once
// Reflow of any map: a flow from noise to its images along straight lines, learned from the pairs (z, T(z)) by regression,
//
//   min E ‖v(x_t, t) − (T(z) − z)‖²,   x_t = (1 − t) z + t T(z)
//
// (Liu et al. 2022, arXiv 2209.03003, eq. 1, with the pairs of a map instead of independent ones). Its endpoints have the law of
// T(z), and its paths are straighter than those that led there (theorems 3.3 and 3.5); where they are straight, one step of
// Euler's method goes all the way. The rectified flow of models/flow_matching/rectified_flow.h does this to itself; here any
// family can be the teacher, and a reflow's own map the teacher of the next.

#include "models/transfer/progressive.h"

namespace pf {

struct ReflowOptions {
  int64_t pairs = 20000;  // made once by the teacher
  int64_t steps = 4000, batch = 256;
  double rate = 3e-3;
  int64_t hidden = 128, depth = 3;
  int64_t euler_steps = 1;   // of the map that is returned
  double temperature = 0.1;  // of a relaxed teacher
};

/// Why a map cannot be reflowed, in a sentence; empty where it can: a line needs two ends of one width.
std::string why_not_reflow(const Transform& map);

/// The flow's map from N(0, I) in `euler_steps` steps: about w ↦ T(base.from_normal(w)) in law. All randomness from `rng`.
SteppedMap reflow(const Transform& teacher, Rng& rng, const ReflowOptions& options = {});

}  // namespace pf
