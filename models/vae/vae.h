#pragma once
// Variational autoencoder (Kingma & Welling 2013, arXiv 1312.6114). The base holds what the code is made of and the
// observation noise, so that the pushforward is the model's own distribution p(x), not only its mean:
//
//   x = draw from the head (decoder_head.h) with decoder(c) for parameters;  base of the prior × noise of the head
//
// The prior of the code c is N(0, I), or a learned map of its base: c = g(z) (mixture, mixture of posteriors, flow, any family).
// A family with an exact density takes its place in the bound. Any other is fitted to the codes by its own objective, while the
// bound keeps N(0, I) (two stages in one: Dai & Wipf 2019, arXiv 1903.05789, section 4); samples are then its own, and so is the
// reported bound where it has a density by an ODE. Where it has none, nor has the model.
//
//   ELBO        E_q [log p(x|c)] − KL(q(c|x) ‖ p(c))  ≤  log p(x)                        (eq. 3 and appendix B)
//   IWAE-K      E log (1/K) Σ p(x, c_k) / q(c_k|x), between the two    (Burda et al. 2015, arXiv 1509.00519, eq. 8)
//
// Given a condition y (Sohn et al. 2015, "Learning structured output representation using deep conditional generative
// models", section 4) encoder and decoder see y beside x and c, and y moves the prior: the decoder takes m(y) + s(y) c.
//
// With several levels (hierarchical, top-down: Sønderby et al. 2016, arXiv 1602.02282; Vahdat & Kautz 2020, arXiv
// 2007.03898) c has a part for each, c_1 at the top, and each level's prior is moved by the levels above it:
// z_l = m_l(z_<l, y) + s_l(z_<l, y) c_l. The decoder takes all z_l.
//
// c is what comes before m and s, so the encoder says where z is relative to its prior (2007.03898, section 3.2), the KL
// terms are those to N(0, I), and no density of c has to know of y or of levels.

#include "models/autoencoder/family_density.h"
#include "models/vae/decoder_head.h"
#include "models/vae/inference.h"
#include "nn/mlp.h"

namespace pf {

enum class PriorKind { normal, mixture, vamp, flow, family };

struct VaeSettings {
  Likelihood likelihood = Likelihood::gaussian;
  int64_t data_levels = 0;  // of whole numbers
  int64_t latent = 2;       // of one level
  int64_t levels = 1;
  int64_t hidden = 128, depth = 2;
  int64_t waves = 0;                // of x for the encoder and of the code for the decoder (waves.h)
  int64_t importance_samples = 64;  // K of the bound that log_density gives
  PriorKind prior = PriorKind::normal;
  int64_t components = 10;  // of a mixture; pseudo-inputs of a mixture of posteriors
  CouplingSettings flow = {.layers = 4, .hidden = 64, .bins = 8, .bound = 4};
  FamilyOnCodes prior_family = {};  // of PriorKind::family
  PosteriorKind posterior = PosteriorKind::diagonal;
  int64_t posterior_layers = 4;  // of a flow posterior
  int64_t context = 0;           // numbers of the condition; 0: none
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
  Variable push_relaxed(const Variable& z, double temperature, const Tensor& context = {}) const override;
  /// IWAE-K with K = settings.importance_samples.
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  /// The centre of the posterior, with the observation noise that gives x back.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;

  /// Coordinates of a code, of all levels.
  int64_t code_width() const { return settings_.latent * settings_.levels; }
  /// What the encoder says of x, and a code drawn from it. noise: [n, code_width()].
  Encoded encoded(const Variable& x, const Tensor& context = {}) const;
  DrawnCode draw(const Encoded& from, const Tensor& noise) const { return inference_->draw(from, noise); }
  /// The code of noise 0: the mean of a normal posterior.
  Tensor centre(const Encoded& from) const {
    return draw(from, zeros({from.input.size(0), code_width()}, from.input.dtype())).code.value();
  }
  /// q(c|x) where it is normal (diagonal, full).
  Posterior posterior(const Variable& x, const Tensor& context = {}) const {
    return normal(encoded(x, context).output);
  }
  /// Throws where it is not.
  void require_normal_posterior() const;
  /// Parameters of the head. code: [n, code_width()].
  Variable decode(const Variable& code, const Tensor& context = {}) const;
  /// log p(x | c) from what `decode` gives: [n].
  Variable log_likelihood(const Variable& x, const Variable& decoded) const {
    return head_->log_likelihood(x, decoded);
  }
  /// log p(c): [n]. Throws where the prior has no density.
  Variable log_prior(const Variable& code) const;
  /// Whether the prior has one.
  bool has_prior_density() const { return !prior_ || prior_->has_density(); }
  /// Whether the bound that trains the model has N(0, I) for prior: where that is the prior, or where the prior is fitted.
  bool trains_with_normal_prior() const { return !prior_ || !prior_->has_exact_density(); }
  /// A prior that is fitted to the codes apart from the bound; null where there is none.
  const CodeDensity* fitted_prior() const { return prior_ && !prior_->has_exact_density() ? prior_.get() : nullptr; }
  /// Drawn from p(c): [n, code_width()].
  Tensor sample_codes(int64_t n, Rng& rng, DType dtype) const {
    return prior_ ? prior_->push(Variable(prior_->base()->sample(n, rng, dtype))).value()
                  : rng.normal({n, code_width()}, dtype);
  }
  /// log p(x, c) − log q(c|x): [n]. Its mean over codes from q is the ELBO.
  Variable log_weight(const Variable& x, const Variable& code, const Variable& log_q, const Tensor& context = {}) const;
  /// log (1/K) Σ p(x, c_k)/q(c_k|x) for each row: [n]. K = 1 is a one-sample ELBO.
  Variable importance_bound(const Tensor& x, int64_t samples, Rng& rng, const Tensor& context = {}) const;
  const VaeSettings& settings() const { return settings_; }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder_);
    visit("decoder", self.decoder_);
    visit("head", self.head_);
    visit("prior", self.prior_);
    visit("inference", self.inference_);
    visit("placing", self.placing_);
  }

 private:
  const char* family() const override { return "vae"; }
  std::unique_ptr<CodeDensity> make_prior(Rng& rng) const;
  InferenceSettings inference_settings() const;
  /// input: [n, width + context].
  Variable encoder_output(const Variable& input) const;
  Posterior normal(const Variable& encoder_output) const;
  /// g(z): what the prior's base is mapped to.
  Variable prior_push(const Variable& z) const { return prior_ ? prior_->push(z) : z; }
  /// c → z, level by level.
  Variable placed(const Variable& code, const Tensor& context) const;

  VaeSettings settings_;
  int64_t width_;
  std::unique_ptr<DecoderHead> head_;
  std::unique_ptr<InferenceModel> inference_;
  Mlp encoder_, decoder_;
  std::unique_ptr<CodeDensity> prior_;  // none: N(0, I)
  std::vector<Mlp> placing_;            // m and log s of each level that has something above it or a condition
  Product base_;
};

}  // namespace pf
