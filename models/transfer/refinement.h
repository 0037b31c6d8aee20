#pragma once
// Refinement by a discriminator: samples of any model are moved towards the data along the gradient of the log-ratio d ≈ log
// p_data / p_model that a critic learns between the two (DGflow: Ansari et al. 2021, arXiv 2012.00780, eq. 7 and 9),
//
//   x ← x + η s(d) ∇d(x) + √(2ηγ) ξ                in the space of the data
//   z ← z + η s(d) ∇_z d(T(z)) + √(2ηγ) ξ          in that of the noise, where samples stay samples of the map
//
//   divergence   KL: s = 1     JS: s = σ(d)     log D: s = σ(−d)           s = r f″(r), r = e^(−d)
//
// the gradient flow of the divergence of p_model from p_data, with the entropy weighed by γ. d is not learned anew on the way; so
// points that follow it for long have the law ∝ exp(d/γ) for KL, and ∝ σ(d)^(1/γ) for log D.

#include "models/gan/game.h"

namespace pf {

enum class FlowDivergence { kl, js, log_d };
/// kl, js or log-d. Throws UsageError.
FlowDivergence parse_flow_divergence(const std::string& name);

struct RatioFlow {
  FlowDivergence divergence = FlowDivergence::kl;
  int64_t steps = 30;
  double step_size = 0.002;  // η, on data of about unit variance
  double noise = 0;          // γ
};

/// The log-ratio of each row: [n, width] → [n].
using LogRatio = std::function<Variable(const Variable&)>;
/// Where the points [n, width] are after `flow.steps` steps along this log-ratio.
Tensor follow_ratio(const Tensor& start, const LogRatio& log_ratio, const RatioFlow& flow, Rng& rng);

struct RefinementOptions {
  int64_t critic_steps = 1500, batch = 256;
  double rate = 1e-3;
  double gamma = 0.05;  // of R1: how smooth the critic is
  int64_t hidden = 64;
  RatioFlow flow;
  double temperature = 0.1;  // of a relaxed map, in the space of the noise
};

class Refinement {
 public:
  /// Learns the log-ratio between the rows of data and samples of the map, both on the map's own scale. It refers to the map.
  /// context: the condition of each row, of a conditional map.
  Refinement(const Transform& map, const Tensor& rows, Rng& rng, const RefinementOptions& options = {},
             const Tensor& context = {});
  /// x: [n, width], samples of the map → where the flow carries them. context: [n, k] or one row for all.
  Tensor operator()(const Tensor& x, Rng& rng, const Tensor& context = {}) const;
  /// z: [n, base width], noise of the map's base → noise whose images are refined samples. The flow runs in the normal
  /// coordinates of the base, where a step function is followed by its relaxed map.
  Tensor refined_noise(const Tensor& z, Rng& rng, const Tensor& context = {}) const;
  /// d(x): [n].
  Variable log_ratio(const Variable& x, const Tensor& context = {}) const { return game_.critic()(x, context); }

 private:
  const Transform& map_;
  RefinementOptions options_;
  AdversarialGame game_;
};

}  // namespace pf
