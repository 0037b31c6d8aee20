#pragma once
// Consistency models: one evaluation says where the probability-flow ODE takes a noisy point (Song et al. 2023, arXiv
// 2303.01469), learned without solving it, in continuous time (sCM: Lu & Song 2024, arXiv 2410.11081). With α = cos t,
// σ = sin t, so that ln(σ/α) = ln tan t = ℓ, and a network F of x_t and ℓ,
//
//   f(x_t, t) = cos t · x_t − sin t · F(x_t, ℓ),   f(x, 0) = x                                       (their eq. 4)
//
// which is x̂₀ for a prediction of v, and f does not change along the flow: its derivative along dx/dt vanishes,
//
//   g = cos t · df/dt = −cos² t (F − dx/dt) − r (cos t sin t · x_t + dF/dℓ) = 0,   r = 1              (their algorithm 1)
//
// one forward-mode product. F is regressed on F + g, held still, with dx/dt = cos t · ε − sin t · x₀ of the data and noise
// that made x_t. Small networks need neither their normalisation of g nor their warm-up of r.

#include <algorithm>

#include "models/diffusion/denoiser.h"

namespace pf {

struct ConsistencySettings {
  DenoiserSettings denoiser{.schedule = NoiseScheduleKind::vp_cosine};  // which trains t uniformly; prediction of v
  int64_t steps = 1;  // jumps to a clean point, with fresh noise, less of it, between them
};

class ConsistencyModel final : public Implements<ConsistencyModel, Transform> {
 public:
  ConsistencyModel(int64_t width, const ConsistencySettings& settings, Rng& rng);

  /// Noise for each jump: N(0, I) on steps × width.
  const Distribution& base() const override { return base_; }
  int64_t width() const override { return width_; }
  Traits traits() const override { return {.same_width = steps_ == 1, .reconstructs = false, .steps = steps_}; }
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  /// Before and after each jump.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  /// By optimisation: a base point whose image is near x.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;
  const Denoiser& denoiser() const { return denoiser_; }

  static void fields(auto& self, auto&& visit) { visit("denoiser", self.denoiser_); }

 private:
  const char* family() const override { return "diffusion"; }
  Variable jumps(const char* who, const Variable& z, const Tensor& context, const WatchState& watch) const;

  int64_t width_, steps_;
  Normal base_;
  Denoiser denoiser_;
};

/// F of x_t [n, d] and ℓ [n, 1].
using VelocityNetwork = std::function<Variable(const Variable& x, const Variable& log_ratio)>;
struct ConsistencySlope {
  Tensor network, slope;  // F and g
};
/// g at x_t for dx/dt = `velocity`.
ConsistencySlope consistency_slope(const VelocityNetwork& network, const Tensor& x, const Tensor& log_ratio,
                                   const Tensor& velocity, const Tensor& r = Tensor(1.0));

class ConsistencyTraining final : public Objective {
 public:
  /// warmup: the part of the training in which r rises; 0: it is 1 from the beginning.
  explicit ConsistencyTraining(const Denoiser& denoiser, double warmup = 0) : denoiser_(denoiser), warmup_(warmup) {}
  std::string name() const override { return "consistency (square)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  /// How far F is from F + g, by noise level: 0 for a network that does not change along the flow.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  void set_progress(double part) override;
  std::vector<Tensor> changing_numbers() const override { return {r_}; }

 private:
  const Denoiser& denoiser_;
  /// F and g at noisy points of the batch.
  ConsistencySlope slope_at(const NoisyBatch& at, const Tensor& given) const;
  double warmup_;
  Tensor r_ = full({}, 1, float64);
};

}  // namespace pf
