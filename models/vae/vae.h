#pragma once
// Variational autoencoder (Kingma & Welling 2013, arXiv 1312.6114). The base holds the code and the observation noise, so
// that the pushforward is the model's own distribution p(x), not only its mean:
//
//   Gaussian    x = μ(z) + σ ε,        base N(0, I) on (z, ε);  σ one learned number a coordinate
//   Bernoulli   xᵢ = 1 where uᵢ < πᵢ(z), base N(0, I) × U(0, 1);  data are numbers in [0, 1] taken as probabilities
//
//   ELBO        E_q [log p(x|z)] − KL(q(z|x) ‖ N(0, I))  ≤  log p(x)                     (eq. 3 and appendix B)
//   IWAE-K      E log (1/K) Σ p(x, z_k) / q(z_k|x), between the two    (Burda et al. 2015, arXiv 1509.00519, eq. 8)

#include "models/objective.h"
#include "nn/mlp.h"

namespace pf {

enum class Likelihood { gaussian, bernoulli };

struct VaeSettings {
  Likelihood likelihood = Likelihood::gaussian;
  int64_t latent = 2;
  int64_t hidden = 128, depth = 2;
  int64_t importance_samples = 64;  // K of the bound that log_density gives
};

/// q(z|x) for each row: mean and log of the standard deviation, [n, latent].
struct Posterior {
  Variable mean, log_deviation;
};

class Vae final : public Implements<Vae, Transform> {
 public:
  Vae(int64_t width, const VaeSettings& settings, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return width_; }
  Traits traits() const override;
  Variable push(const Variable& z) const override;
  /// IWAE-K with K = settings.importance_samples.
  LogDensity log_density(const Tensor& x, Rng& rng) const override;
  /// The posterior mean, with the observation noise that gives x back (Gaussian) or the middle of its interval (Bernoulli).
  Tensor encode(const Tensor& x) const override;

  Posterior posterior(const Variable& x) const;
  /// μ(z), or the logits of π(z). code: [n, latent] → [n, width].
  Variable decode(const Variable& code) const;
  /// log p(x | z) from what `decode` gives: [n].
  Variable log_likelihood(const Variable& x, const Variable& decoded) const;
  /// log (1/K) Σ p(x, z_k)/q(z_k|x) for each row: [n]. K = 1 is a one-sample ELBO.
  Variable importance_bound(const Tensor& x, int64_t samples, Rng& rng) const;
  const VaeSettings& settings() const { return settings_; }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder_);
    visit("decoder", self.decoder_);
    if (self.settings_.likelihood == Likelihood::gaussian) visit("log_noise", self.log_noise_);
  }

 private:
  const char* family() const override { return "vae"; }
  VaeSettings settings_;
  int64_t width_;
  Product base_;
  Mlp encoder_, decoder_;
  Variable log_noise_;  // [width], log σ
};

/// Mean of −ELBO with the KL term in closed form; β weighs it (β = 1 is the bound itself; Higgins et al. 2017). With
/// samples > 1 the IWAE bound.
class EvidenceBound final : public Objective {
 public:
  EvidenceBound(const Vae& model, double beta = 1, int64_t samples = 1)
      : model_(model), beta_(beta), samples_(samples) {}
  std::string name() const override { return "negative evidence bound (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng) const override;

 private:
  const Vae& model_;
  double beta_;
  int64_t samples_;
};

}  // namespace pf
