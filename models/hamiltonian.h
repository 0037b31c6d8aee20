#pragma once
// Hamiltonian Monte Carlo (Neal 2011, arXiv 1206.1901, figure 2): chains with the stationary law exp(log_density), moved along
// the gradient with a momentum, each proposal accepted by its error in energy.
//
//   p ← p + ½ ε ∇log π(z),   z ← z + ε p,   p ← p + ½ ε ∇log π(z),   accepted with probability min(1, e^(H − H'))
//
// Each row is a chain of its own, with a step size of its own: all chains move in one evaluation, and chains with narrow and
// with wide targets stand side by side.

#include <functional>

#include "autograd/variable.h"
#include "tensor/random.h"

namespace pf {

/// log π of each row, up to a constant: [n, d] → [n].
using RowDensity = std::function<Variable(const Variable&)>;

struct HamiltonianOptions {
  int64_t leapfrogs = 10;
  double step = 0.1;  // ε at the beginning
  double acceptance =
      0.65;  // what step sizes are adapted to, up and down by 2 % after each move (Wu et al. 2016, 1611.04273)
};

class HamiltonianChains {
 public:
  /// start: [n, d], float32 or float64.
  HamiltonianChains(Tensor start, const HamiltonianOptions& options);
  /// One proposal for each chain. With `adapt` step sizes follow their chain's acceptance; the law is exact without.
  void move(const RowDensity& log_density, Rng& rng, bool adapt);
  const Tensor& points() const { return z_; }
  /// Of all proposals, all chains.
  double acceptance() const { return proposals_ ? accepted_ / double(proposals_) : 0; }
  /// The middle one of the chains' step sizes.
  double typical_step() const;

 private:
  HamiltonianOptions options_;
  Tensor z_, step_, average_;  // average_: of acceptance, lately, each [n]
  double accepted_ = 0;
  int64_t proposals_ = 0;
};

}  // namespace pf
