#pragma once
// Rectified flow (Liu, Gong & Liu 2022, arXiv 2209.03003, algorithm 1): the field is learned on independent pairs first, and then
// k times anew on the pairs of noise and the points that the flow so far takes it to,
//
//   x₁ = flow(x₀),   loss  E ‖v(x_t, t) − (x₁ − x₀)‖²  with  x_t = (1 − t) x₀ + t x₁
//
// Paths of these pairs cross less and less, so they become straight and one step of Euler's method comes close; the law of
// the points stays as it is. Each stage gets an equal part of the training. Pairs are made for each batch, by the averaged
// field of the stage before, which is kept with the model: nothing else has to be remembered to resume.

#include "models/flow_matching/flow_matching.h"

namespace pf {

class Rectification final : public Objective {
 public:
  /// The model must keep a teacher (FlowMatchingSettings::keeps_teacher). pair_steps: of the fourth-order method that makes the pairs.
  Rectification(FlowMatching& model, int64_t reflows, int64_t pair_steps = 8);
  std::string name() const override { return "velocity matching (mean square)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  /// Of the first stage's pairs until there are others; then of those.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  int64_t stages() const override { return reflows_ + 1; }
  void begin_stage(int64_t stage) override { model_.teach(stage); }

 private:
  /// As many points on the paths of the teacher's pairs as there are rows in the batch.
  PathPoints pairs(const Tensor& batch, Rng& rng, const Tensor& context) const;

  FlowMatching& model_;
  VelocityMatching first_;
  int64_t reflows_, pair_steps_;
};

}  // namespace pf
