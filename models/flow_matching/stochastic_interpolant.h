#pragma once
// Stochastic interpolants (Albergo, Boffi & Vanden-Eijnden 2023, arXiv 2303.08797): paths with noise of their own between noise
// and data, and two networks that learn what is known of a point on them,
//
//   x_t = (1 − t) x₀ + t x₁ + γ ξ,  γ = σ √(t (1 − t)):    v = E[x₁ − x₀ | x_t],  s = ∇ log p_t = −E[ξ | x_t]/γ
//
// so that the same marginals have an equation for every amount of noise ε ≥ 0 in sampling (their section 2):
//
//   dx = (v + (ε − γ γ') s) dt + √(2 ε) dW,   γ γ' = σ² (1 − 2t)/2
//
// With ε > 0 in steps of Euler and Maruyama, evaluated in the middle of each; the noise of every step is part of the base. With
// ε = 0 it is an ODE, solved as in flow matching: an invertible map with a density (their section 2.4). With entropic
// pairs of 2σ² and ε = σ²/2 it is the Schrödinger bridge of [SF]²M (Tong et al. 2023, arXiv 2307.03672, section 3).

#include "models/flow_matching/flow_matching.h"

namespace pf {

struct InterpolantSettings {
  int64_t hidden = 128, depth = 3, frequencies = 0, waves = 0;
  double sigma = 1;      // of γ, above 0
  double diffusion = 0;  // ε
  int64_t steps = 50;    // where ε > 0
  OdeOptions ode;        // of ε = 0
  bool exact_divergence = true;
  Pairing pairing = Pairing::independent;
  Guidance guidance;
};

/// What the networks know of a point: v and s.
struct InterpolantAnswer {
  Variable velocity, score;
};
using InterpolantAt = std::function<InterpolantAnswer(const Variable& x, double t)>;
/// dx/dt for ε = 0.
VelocityAt probability_flow(const InterpolantAt& answers, double sigma);
/// x at t = 1 in steps, from z: [n, (steps + 1) d], or [n, d] where ε = 0. `watch` sees every state, the first included.
Variable follow_interpolant(const InterpolantAt& answers, const Variable& z, int64_t width,
                            const InterpolantSettings& settings,
                            const std::function<void(const Variable&)>& watch = {});

class StochasticInterpolant final : public Implements<StochasticInterpolant, Transform> {
 public:
  StochasticInterpolant(int64_t width, const InterpolantSettings& settings, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return width_; }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  // These four where ε = 0.
  Variable pull(const Variable& x, const Tensor& context = {}) const override;
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  /// With noise in the steps: states on the straight way to x, and the noise that leads through them. Without: the inverse.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;
  const InterpolantSettings& settings() const { return settings_; }
  const VelocityField& velocity() const { return velocity_; }
  const VelocityField& score() const { return score_; }

  static void fields(auto& self, auto&& visit) {
    visit("velocity", self.velocity_);
    visit("score", self.score_);
  }

 private:
  const char* family() const override { return "flow-matching"; }
  bool noisy() const { return settings_.diffusion > 0; }
  VelocityAt field(const char* who, const Variable& start, const Tensor& context) const;
  Mapped with_divergence(const Variable& start, double from, double to, const Tensor& probe,
                         const Tensor& context) const;
  InterpolantAt answers(const char* who, const Tensor& context, int64_t n, DType dtype) const;

  InterpolantSettings settings_;
  int64_t width_;
  Normal base_;
  VelocityField velocity_, score_;
};

/// E ‖v − (x₁ − x₀)‖² + ‖γ s + ξ‖², summed over coordinates.
class InterpolantMatching final : public Objective {
 public:
  explicit InterpolantMatching(const StochasticInterpolant& model) : model_(model) {}
  std::string name() const override { return "velocity and score matching (mean square)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  struct Points {
    Tensor t, gamma, x, target, given;  // target: of v and γ s, side by side
  };
  Points points(const Tensor& batch, Rng& rng, const Tensor& context) const;
  Variable said(const Points& at) const;
  const StochasticInterpolant& model_;
};

}  // namespace pf
