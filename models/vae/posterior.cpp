#include "models/vae/posterior.h"

#include <cmath>
#include <numbers>

#include "tensor/ops/exponential.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {

Posterior Posterior::from(const Variable& encoded, int64_t latent, bool full) {
  Posterior q{.mean = slice(encoded, 1, 0, latent), .log_deviation = slice(encoded, 1, latent, 2 * latent)};
  if (full) q.lower = tril(reshape(slice(encoded, 1, 2 * latent), {encoded.size(0), latent, latent}), -1);
  return q;
}

Variable Posterior::factor() const { return diag_embed(exp(log_deviation)) + lower; }

Variable Posterior::sample(const Tensor& noise) const {
  const Variable code = mean + exp(log_deviation) * Variable(noise);
  return lower.defined() ? code + squeeze(matmul(lower, Variable(unsqueeze(noise, -1))), -1) : code;
}

Variable Posterior::log_density(const Variable& code) const {
  const Variable centred = code - mean;
  const Variable white =
      lower.defined() ? squeeze(solve_triangular(factor(), unsqueeze(centred, -1)), -1) : centred * exp(-log_deviation);
  return sum(square(white) * -0.5 - log_deviation, -1) - 0.5 * std::log(2 * std::numbers::pi) * double(mean.size(-1));
}

Variable Posterior::log_density_of_sample(const Tensor& noise) const {
  const Tensor of_noise = (sum(square(noise), -1) + std::log(2 * std::numbers::pi) * double(noise.size(-1))) * -0.5;
  return Variable(of_noise) - sum(log_deviation, -1);
}

// KL(N(m, L Lᵀ) ‖ N(0, I)) = ½ Σ (L_ij² + m_i² − 1) − Σ log L_ii, and row i of it belongs to z_i.
Variable Posterior::kl_to_normal() const {
  const Variable variance =
      lower.defined() ? square(exp(log_deviation)) + sum(square(lower), -1) : square(exp(log_deviation));
  return (square(mean) + variance - 1.0) * 0.5 - log_deviation;
}

Variable Posterior::whitening() const {
  if (!lower.defined()) return diag_embed(exp(-log_deviation));
  return solve_triangular(factor(), Variable(eye(mean.size(1), mean.dtype())));
}

Posterior Posterior::held() const {
  return {stop_gradient(mean), stop_gradient(log_deviation), lower.defined() ? stop_gradient(lower) : Variable()};
}

}  // namespace pf
