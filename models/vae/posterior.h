#pragma once
// The approximate posterior q(z|x) of a variational autoencoder: a normal distribution for each row, whose mean and
// Cholesky factor L come from the encoder: z = m + L ε (Kingma & Welling 2013, arXiv 1312.6114, section 2.4; with a
// full factor Kingma & Welling 2019, arXiv 1906.02691, section 2.5.1). L is diagonal unless `lower` is there.

#include "autograd/apply.h"

namespace pf {

struct Posterior {
  Variable mean, log_deviation;  // [n, latent]; the deviations are the diagonal of L
  Variable lower;                // [n, latent, latent]: what is below the diagonal of L; undefined: zeros

  /// What an encoder says: [n, encoded_width(latent, full)].
  static Posterior from(const Variable& encoded, int64_t latent, bool full);
  static int64_t encoded_width(int64_t latent, bool full) { return full ? (2 + latent) * latent : 2 * latent; }

  /// m + L ε, differentiable.
  Variable sample(const Tensor& noise) const;
  /// log q(z|x): [n].
  Variable log_density(const Variable& code) const;
  /// The same of the code that is sampled from this noise, from which nothing has to be subtracted.
  Variable log_density_of_sample(const Tensor& noise) const;
  /// KL(q(z_i | z_<i, x) ‖ N(0, 1)), averaged over z_<i: [n, latent]. Its sum is KL(q(z|x) ‖ N(0, I)).
  Variable kl_to_normal() const;
  /// L⁻¹: [n, latent, latent].
  Variable whitening() const;
  /// The same numbers, through which no derivative passes.
  Posterior held() const;

 private:
  Variable factor() const;  // [n, latent, latent]
};

}  // namespace pf
