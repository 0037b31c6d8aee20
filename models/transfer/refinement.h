#pragma once
// Refinement by a discriminator: samples of any model are moved towards the data along the gradient of the log-ratio that a
// critic learns between the two,
//
//   x ← x + η ∇d(x),   d ≈ log p_data / p_model
//
// the gradient flow of KL(p_model ‖ p_data) (Ansari et al. 2021, DGflow, arXiv 2012.00780, eq. 7 and 9 without noise).

#include "models/gan/game.h"

namespace pf {

struct RefinementOptions {
  int64_t critic_steps = 1500, batch = 256;
  double rate = 1e-3;
  double gamma = 0.05;  // of R1: how smooth the critic is
  int64_t hidden = 64;
  int64_t steps = 30;
  double step_size = 0.002;  // η, on data of about unit variance
};

class Refinement {
 public:
  /// Learns the log-ratio between the rows of data and samples of the map, both on the map's own scale.
  Refinement(const Transform& map, const Tensor& rows, Rng& rng, const RefinementOptions& options = {});
  /// x: [n, width], samples of the map → where the flow carries them.
  Tensor operator()(const Tensor& x) const;

 private:
  RefinementOptions options_;
  AdversarialGame game_;
};

}  // namespace pf
