#pragma once
// What trains a variational autoencoder: bounds on log p(x), and what is done to their gradients.

#include "models/objective.h"
#include "models/vae/vae.h"

namespace pf {

struct BoundSettings {
  double beta = 1;       // weight of the KL term; 1 is the bound itself (Higgins et al. 2017)
  double free_bits = 0;  // nats for each coordinate of the code that cost nothing
  double warm_up = 0;    // the part of a training in which that weight rises from β/10 to β; 0: none
  int64_t samples = 1;   // above 1 the IWAE bound
  bool doubly_reparameterized = false;
};

/// Mean of −ELBO, its KL term in closed form where the prior is N(0, I) and from one sample elsewhere.
///
/// Free bits λ (Kingma et al. 2016, arXiv 1606.04934, eq. 15): Σⱼ max(λ, KLⱼ) in place of the KL term, with KLⱼ the
/// mean over the batch of coordinate j's, so that no coordinate is pressed into saying less than λ. With a learned
/// prior, whose KL does not fall into coordinates, max(latent · λ, KL).
///
/// Warm-up (Bowman et al. 2015, arXiv 1511.06349, section 3.1; Sønderby et al. 2016, arXiv 1602.02282, section 2.3): the
/// KL term's weight rises evenly in the first part of a training. At full weight from the start, a decoder that knows
/// nothing yet leaves the code nothing to win, and it falls silent.
///
/// With samples > 1 mean of −IWAE-K. Doubly reparameterised (Tucker et al. 2018, arXiv 1810.04152, eq. 8): the same
/// bound, and another estimate of its gradient in the encoder, Σ w̃ₖ² ∂log wₖ/∂cₖ ∂cₖ/∂φ, without the part whose mean
/// is zero; that part drowns the rest as K grows. With one sample it is the estimate of Roeder et al. 2017, arXiv
/// 1703.09194.
class EvidenceBound final : public Objective {
 public:
  /// Throws where beta or free bits are asked for together with several samples: that bound has no KL term.
  /// And where they are asked for with a prior that is fitted apart from the bound.
  explicit EvidenceBound(const Vae& model, const BoundSettings& settings = {});
  EvidenceBound(const EvidenceBound&) = delete;  // the training of a fitted prior refers to it
  EvidenceBound& operator=(const EvidenceBound&) = delete;
  std::string name() const override { return "negative evidence bound (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  Opponent* opponent() override { return fitted_.opponent(); }
  int64_t stages() const override { return fitted_.stages(); }
  void begin_stage(int64_t stage) override { fitted_.begin_stage(stage); }
  void after_step(const Tensor& batch, Rng& rng, const Tensor& context = {}) override {
    fitted_.after_step(batch, rng, context);
  }
  /// Active units: coordinates of the code whose posterior mean has a variance above 0.01 over the data (Burda et al.
  /// 2015, arXiv 1509.00519, section 5.2). KL terms, those of levels and, up to 32, of units where they have a closed form.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

  void set_progress(double part) override;
  std::vector<Tensor> changing_numbers() const override;

 private:
  /// A KL term, by its weight.
  Variable weighted(const Variable& kl) const;
  Variable elbo_loss(const Tensor& batch, Rng& rng, const Tensor& context) const;
  Variable negative_bound(const DrawnCode& q, const Variable& likelihood) const;
  /// log p(c) of the prior that the bound has in training.
  Variable log_training_prior(const Variable& code) const;
  Variable doubly_reparameterized_loss(const Tensor& batch, Rng& rng, const Tensor& context) const;
  const Vae& model_;
  BoundSettings settings_;
  Tensor kl_weight_;  // β, or less in the warm-up: a float64 number
  CodeTraining fitted_;
};

}  // namespace pf
