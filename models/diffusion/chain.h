#pragma once
// Diffusion as a chain of normal steps from noise to data, x' = a x + b x̂₀(x) + w ξ, with fresh noise ξ in every step. All
// of that noise is part of the base, so the map is deterministic in it:
//
//   z = (x_T, ξ_T, …, ξ_1), N(0, I) on (steps + 1) × width  ↦  x₀
//
//   ancestral   a, b of q(x_s | x_t, x₀) with noise v = η σ̃: DDPM for η = 1 (Ho et al. 2020, arXiv 2006.11239, eq. 7 and
//               11), between it and DDIM below (Song et al. 2020, arXiv 2010.02502, eq. 12 and 16). w is v, or for η = 1
//               the noise of the forward step (σ² = β there), which makes a better bound
//   sde         Euler–Maruyama of the reverse-time equation (Song et al. 2021, arXiv 2011.13456, eq. 6)
//
// The last step, from the cleanest ratio to x₀, has a = 0, b = 1, w = σ/α. There is no inverse, but a bound on the density
// (Ho et al., eq. 5), which holds for any such chain:
//
//   log p(x₀) ≥ −KL(q(x_T | x₀) ‖ N(0, I)) − Σ E KL(q(x_s | x_t, x₀) ‖ p(x_s | x_t)) + E log p(x₀ | x_1)

#include "models/diffusion/denoiser.h"
#include "models/diffusion/probability_flow.h"

namespace pf {

/// x' ~ N(state · x + clean · x₀, noise²), with x̂₀ for x₀ in the model's own chain.
struct Transition {
  double state = 0, clean = 0, noise = 0;
};

enum class ChainKind { ancestral, sde };
enum class ChainVariance { forward, posterior };  // w² = β, or w = v = η σ̃, which it is for η < 1 in any case

struct ChainSettings {
  DenoiserSettings denoiser;
  ChainKind kind = ChainKind::ancestral;
  ChainVariance variance = ChainVariance::forward;
  double eta = 1;      // of ancestral, from 0 to 1; at 0 only the last step takes noise, and there is no bound
  int64_t steps = 32;  // transitions, the last one to x₀ included; 2 or more
};

/// The chain through a grid of ln(σ/α), from the noisiest, and on to x₀: as many transitions as the grid has ratios.
/// `model` is what samples are drawn with; `posterior` is q(x_s | x_t, x₀) (its last is unused).
struct Chain {
  std::vector<double> grid;
  std::vector<Transition> model, posterior;

  Chain(std::vector<double> ratios, const ChainSettings& settings);
  /// z: [n, (steps + 1) · width] → x₀: [n, width]. `watch` sees every state, that of pure noise first.
  Variable push(const DenoiserAt& denoiser, const Variable& z, const WatchState& watch = {}) const;
  /// A base sample that leads to x: the states are α x on the way, and the noises what makes them so.
  Tensor encode(const DenoiserAt& denoiser, const Tensor& x) const;
  /// No step but the last takes noise.
  bool noiseless() const { return grid.size() > 1 && model[0].noise == 0; }
  /// One unbiased estimate of the bound for each row, a noise for each term from `rng`: [n], in nats.
  Tensor bound(const DenoiserAt& denoiser, const Tensor& x, Rng& rng) const;
};

class DiffusionChain final : public Implements<DiffusionChain, Transform> {
 public:
  DiffusionChain(int64_t width, const ChainSettings& settings, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return width_; }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  /// The states x_t, in the data's units.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;
  const Denoiser& denoiser() const { return denoiser_; }

  static void fields(auto& self, auto&& visit) { visit("denoiser", self.denoiser_); }

 private:
  const char* family() const override { return "diffusion"; }
  double data_deviation() const { return denoiser_.settings().data_deviation; }

  int64_t width_;
  Chain chain_;
  Normal base_;
  Denoiser denoiser_;
};

}  // namespace pf
