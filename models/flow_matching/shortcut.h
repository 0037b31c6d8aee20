#pragma once
// Shortcut models (Frans et al. 2024, arXiv 2410.12557): the map of average velocities u(x, s, span), as of MeanFlow, learned
// without derivatives. One part of the rows learns the velocity itself, span 0; the others that a jump is two jumps of half
// the length (their eq. 4–5), for lengths 1, ½, …, 1/64:
//
//   u(x, s, 2d) = ½ [u(x, s, d) + u(x', s + d, d)],   x' = x + d u(x, s, d)
//
// with the right side held still, and the velocity for the shortest d = 1/128. Guidance is that of these shortest jumps.

#include "models/flow_matching/mean_flow.h"

namespace pf {

class ShortcutMatching final : public Objective {
 public:
  /// halves: the part of rows that learn jumps from halves.
  explicit ShortcutMatching(const MeanFlow& model, Pairing pairing = Pairing::optimal, double halves = 0.5)
      : model_(model), pairing_(pairing), halves_(halves) {}
  std::string name() const override { return "velocity and jumps from halves (mean square)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override {
    return mean_velocity_signs(model_, pairing_, batch, rng, context);
  }

 private:
  const MeanFlow& model_;
  Pairing pairing_;
  double halves_;
};

/// ½ [u(x, s, d) + u(x + d u(x, s, d), s + d, d)]: two jumps of d [n, 1] as one.
template <class U> Tensor two_jumps(const U& u, const Tensor& x, const Tensor& s, const Tensor& d) {
  const Tensor first = u(x, s, d);
  return (first + u(x + d * first, s + d, d)) * 0.5;
}

}  // namespace pf
