#pragma once
// Diffusion models: a network learns to tell data from noise at every mixture of the two, and x is where following its
// answer takes pure noise (Sohl-Dickstein et al. 2015, arXiv 1503.03585; Ho et al. 2020, arXiv 2006.11239; Song et al. 2021,
// arXiv 2011.13456; Karras et al. 2022, arXiv 2206.00364). This map is the deterministic one:
//
//   z  =  x_t at the noisiest ratio, of variance 1: the base is N(0, I), which is what samples start from
//   x  =  x_t at the cleanest ratio, divided by its α and back in the data's units
//   log p(x) = log p₀(z) − ∫ div(dx_t/dℓ) dℓ − log|det| of the scaling           (Song et al. 2021, eq. 39)
//
// The marginal at the noisiest ratio is N(0, I) only up to its α (0.006 in edm): the density is that of what is sampled.

#include "models/diffusion/denoiser.h"
#include "models/diffusion/probability_flow.h"

namespace pf {

struct DiffusionSettings {
  DenoiserSettings denoiser;
  DiffusionSolver solver = DiffusionSolver::dopri5;
  int64_t steps = 32;            // of solvers with fixed steps
  double tolerance = 1e-5;       // of dopri5, which also computes inverse and density
  bool exact_divergence = true;  // of the density; otherwise one Hutchinson probe
};

class Diffusion final : public Implements<Diffusion, Transform> {
 public:
  Diffusion(int64_t width, const DiffusionSettings& settings, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  Variable pull(const Variable& x, const Tensor& context = {}) const override;
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  /// The states x_t on a grid of 32 steps, in the data's units; z itself first.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  const Denoiser& denoiser() const { return denoiser_; }
  const DiffusionSettings& settings() const { return settings_; }

  static void fields(auto& self, auto&& visit) { visit("denoiser", self.denoiser_); }

 private:
  const char* family() const override { return "diffusion"; }
  /// x = x_t · out_scale() at the cleanest ratio.
  double out_scale() const;
  OdeOptions ode() const { return {.method = OdeMethod::dopri5, .tolerance = settings_.tolerance}; }
  Variable flow(const DenoiserAt& denoiser, const Variable& start, double from, double to) const;
  /// Position and ∫ div dℓ; `probe` undefined: exact divergence.
  Mapped flow_with_divergence(const Variable& start, double from, double to, const Tensor& probe,
                              const Tensor& context) const;
  Mapped pulled(const Variable& x, const Tensor& probe, const Tensor& context) const;

  DiffusionSettings settings_;
  Normal base_;
  Denoiser denoiser_;
};

}  // namespace pf
