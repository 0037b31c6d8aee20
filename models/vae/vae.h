#pragma once
// Variational autoencoder (Kingma & Welling 2013, arXiv 1312.6114). The base holds what the code is made of and the
// observation noise, so that the pushforward is the model's own distribution p(x), not only its mean:
//
//   Gaussian    x = μ(c) + σ ε,         base of the prior × N(0, I) for ε;  σ one learned number a coordinate
//   Bernoulli   xᵢ = 1 where uᵢ < πᵢ(c), base of the prior × U(0, 1);  data are numbers in [0, 1] taken as probabilities
//
// The prior of the code c is N(0, I), or a learned map of its base: c = g(z) (mixture, mixture of posteriors, flow).
//
// Given a condition y (Sohn et al. 2015, "Learning structured output representation using deep conditional generative
// models", section 4) encoder and decoder see y beside x and c, and the prior is moved by it: the code that the decoder
// takes is m(y) + s(y) c. The encoder says where c is, relative to that prior, so no density of c has to know of y.
//
//   ELBO        E_q [log p(x|c)] − KL(q(c|x) ‖ p(c))  ≤  log p(x)                        (eq. 3 and appendix B)
//   IWAE-K      E log (1/K) Σ p(x, c_k) / q(c_k|x), between the two    (Burda et al. 2015, arXiv 1509.00519, eq. 8)

#include "models/autoencoder/code_density.h"
#include "models/vae/posterior.h"
#include "nn/mlp.h"

namespace pf {

enum class Likelihood { gaussian, bernoulli };
enum class PriorKind { normal, mixture, vamp, flow };

struct VaeSettings {
  Likelihood likelihood = Likelihood::gaussian;
  int64_t latent = 2;
  int64_t hidden = 128, depth = 2;
  int64_t importance_samples = 64;  // K of the bound that log_density gives
  PriorKind prior = PriorKind::normal;
  int64_t components = 10;  // of a mixture; pseudo-inputs of a mixture of posteriors
  CouplingSettings flow = {.layers = 4, .hidden = 64, .bins = 8, .bound = 4};
  bool full_posterior = false;  // a Cholesky factor, instead of one deviation for each coordinate
  int64_t context = 0;          // numbers of the condition; 0: none
};

class Vae final : public Implements<Vae, Transform> {
 public:
  Vae(int64_t width, const VaeSettings& settings, Rng& rng);
  Vae(const Vae&) = delete;  // a prior may refer to the encoder
  Vae& operator=(const Vae&) = delete;

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return width_; }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  /// IWAE-K with K = settings.importance_samples.
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  /// The posterior mean, with the observation noise that gives x back (Gaussian) or the middle of its interval
  /// (Bernoulli).
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;

  Posterior posterior(const Variable& x, const Tensor& context = {}) const;
  /// μ(c), or the logits of π(c). code: [n, latent] → [n, width].
  Variable decode(const Variable& code, const Tensor& context = {}) const;
  /// log p(x | c) from what `decode` gives: [n].
  Variable log_likelihood(const Variable& x, const Variable& decoded) const;
  /// log p(c): [n].
  Variable log_prior(const Variable& code) const;
  /// log p(x, c) − log q(c|x): [n]. Its mean over codes from q is the ELBO.
  Variable log_weight(const Variable& x, const Variable& code, const Posterior& q, const Tensor& context = {}) const;
  /// log (1/K) Σ p(x, c_k)/q(c_k|x) for each row: [n]. K = 1 is a one-sample ELBO.
  Variable importance_bound(const Tensor& x, int64_t samples, Rng& rng, const Tensor& context = {}) const;
  const VaeSettings& settings() const { return settings_; }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder_);
    visit("decoder", self.decoder_);
    if (self.settings_.likelihood == Likelihood::gaussian) visit("log_noise", self.log_noise_);
    visit("prior", self.prior_);
    visit("prior_context", self.prior_context_);
  }

 private:
  const char* family() const override { return "vae"; }
  std::unique_ptr<CodeDensity> make_prior(Rng& rng) const;
  Product make_base() const;
  /// q for what the encoder takes: [n, width + context].
  Posterior encoded(const Variable& input) const;
  /// g(z): what the prior's base is mapped to.
  Variable prior_push(const Variable& z) const { return prior_ ? prior_->push(z) : z; }

  VaeSettings settings_;
  int64_t width_;
  Mlp encoder_, decoder_;
  Variable log_noise_;                  // [width], log σ
  std::unique_ptr<CodeDensity> prior_;  // none: N(0, I)
  std::optional<Mlp> prior_context_;    // m and log s, with a condition
  Product base_;
};

}  // namespace pf
