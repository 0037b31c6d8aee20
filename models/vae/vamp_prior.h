#pragma once
#include "models/autoencoder/code_density.h"
#include "models/vae/posterior.h"

namespace pf {

/// The mixture of a model's own posteriors at learned pseudo-inputs, p(z) = (1/K) Σ q(z|u_k): "variational mixture of
/// posteriors", Tomczak & Welling 2018, arXiv 1705.07120, eq. 9. No parameters but the u_k; the encoder is the model's.
/// A conditional encoder takes pairs of data and condition, so the pseudo-inputs are such pairs.
class VampPrior final : public Implements<VampPrior, CodeDensity> {
 public:
  /// The pseudo-inputs start as standard normal points, as normalised data are. `posterior` gives q(z|u) for rows u.
  VampPrior(int64_t input_width, int64_t latent, int64_t components,
            std::function<Posterior(const Variable&)> posterior, Rng& rng);
  std::shared_ptr<const Distribution> base() const override { return base_; }
  int64_t width() const override { return latent_; }
  Variable push(const Variable& z, const Tensor& = {}) const override { return components().push(z); }
  Variable log_density(const Variable& code, const Tensor& = {}) const override {
    return components().log_density(code);
  }
  Tensor encode(const Tensor& code, const Tensor& = {}) const override { return components().encode(code); }
  NormalComponents components() const;

  static void fields(auto& self, auto&& visit) { visit("pseudo_inputs", self.pseudo_inputs_); }

 private:
  int64_t latent_;
  std::function<Posterior(const Variable&)> posterior_;
  std::shared_ptr<const Distribution> base_;
  Variable pseudo_inputs_;  // [components, input width]
};

}  // namespace pf
