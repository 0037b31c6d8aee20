#pragma once
// Guidance of any map without training: base points drawn not from the base but from
//
//   π(z) ∝ p₀(z) exp(−E(T(z)))
//
// for an energy E of the sample, so that x = T(z) has the law p(x) exp(−E(x)), normalised (for GANs: Che et al. 2020, arXiv
// 2003.06060, eq. 4). With E = ‖mask (x − y)‖²/2s² it is the law of x given a noisy look at some coordinates of it.
//
// Chains in the normal coordinates of the base (Distribution::from_normal) are annealed from the base to π, so that all modes are
// visited, then chosen by their weights and moved on with fixed steps (annealed_importance.h).

#include "models/annealed_importance.h"

namespace pf {

/// E of each row: [n, width] → [n].
using RowEnergy = std::function<Variable(const Variable&)>;

// A step function has no slope to walk along. Its chains walk for E of the relaxed map instead (Transform::push_relaxed), and the
// points are chosen once more by the weights exp(E(relaxed) − E(T(z))), which makes their law that of T (importance sampling).

struct GuidanceOptions {
  int64_t distributions = 100;  // from the base to π
  int64_t moves = 30;           // at π, with fixed steps
  HamiltonianOptions chains;
  double temperature = 0.2;  // of a relaxed map
};

struct Guided {
  Tensor z, x;              // [n, base width] and [n, width]
  double log_evidence = 0;  // estimate of log E_p₀ exp(−E(T(z)))
  double acceptance = 0;    // of the moves at π
};

/// n points, about independent where the weights are even.
Guided guide(const Transform& map, const RowEnergy& energy, int64_t n, Rng& rng, const GuidanceOptions& options = {},
             const Tensor& context = {}, DType dtype = float32);

/// ‖x − y‖²/2s² over the coordinates of y that are not NaN. y: [width].
RowEnergy observation_energy(const Tensor& y, double noise);

}  // namespace pf
