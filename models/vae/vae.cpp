#include "models/vae/vae.h"

#include <cmath>
#include <numbers>

#include "tensor/ops/activations.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/where.h"

namespace pf {
namespace {

const double log_2pi = std::log(2 * std::numbers::pi);

std::vector<int64_t> widths(int64_t in, const VaeSettings& settings, int64_t out) {
  std::vector<int64_t> list{in};
  for (int64_t i = 0; i < settings.depth; ++i) list.push_back(settings.hidden);
  list.push_back(out);
  return list;
}

std::vector<std::shared_ptr<const Distribution>> base_parts(int64_t width, const VaeSettings& settings) {
  std::shared_ptr<const Distribution> noise;
  if (settings.likelihood == Likelihood::gaussian) noise = std::make_shared<Normal>(width);
  else noise = std::make_shared<Uniform>(width);
  return {std::make_shared<Normal>(settings.latent), noise};
}

/// log N(x; mean, e^{2 log_deviation}), summed over coordinates.
Variable log_normal(const Variable& x, const Variable& mean, const Variable& log_deviation) {
  return sum(square((x - mean) * exp(-log_deviation)) * -0.5 - log_deviation, -1) - 0.5 * log_2pi * double(x.size(-1));
}

}  // namespace

Vae::Vae(int64_t width, const VaeSettings& settings, Rng& rng)
    : settings_(settings),
      width_(width),
      base_(base_parts(width, settings)),
      encoder_(widths(width, settings, 2 * settings.latent), rng),
      decoder_(widths(settings.latent, settings, width), rng),
      log_noise_(full({width}, -1.0)) {
  check(settings.latent >= 1, "vae: ", settings.latent, " latent coordinates: expected at least 1");
  check(settings.importance_samples >= 1, "vae: ", settings.importance_samples,
        " importance samples: expected at least 1");
}

Traits Vae::traits() const {
  return {.invertible = false,
          .same_width = false,
          .smooth = settings_.likelihood == Likelihood::gaussian,
          .density = DensityKind::bound,
          .steps = 1};
}

Variable Vae::decode(const Variable& code) const { return decoder_(code); }

Variable Vae::push(const Variable& z) const {
  check_rows("vae push", z.shape(), base_.width());
  const Variable decoded = decode(slice(z, 1, 0, settings_.latent));
  const Variable noise = slice(z, 1, settings_.latent);
  if (settings_.likelihood == Likelihood::gaussian) return decoded + exp(log_noise_) * noise;
  return Variable(cast(less(noise, sigmoid(decoded)), z.dtype()));
}

Posterior Vae::posterior(const Variable& x) const {
  check_rows("vae encoder", x.shape(), width_);
  const Variable both = encoder_(x);
  return {slice(both, 1, 0, settings_.latent), slice(both, 1, settings_.latent)};
}

Variable Vae::log_likelihood(const Variable& x, const Variable& decoded) const {
  if (settings_.likelihood == Likelihood::gaussian) return log_normal(x, decoded, expand(log_noise_, decoded.shape()));
  return sum(x * decoded - softplus(decoded), -1);
}

Variable Vae::importance_bound(const Tensor& x, int64_t samples, Rng& rng) const {
  check(samples >= 1, "vae: ", samples, " importance samples: expected at least 1");
  const Posterior q = posterior(Variable(x));
  const int64_t n = x.size(0);
  std::vector<Variable> weights;
  for (int64_t k = 0; k < samples; ++k) {
    const Variable code = q.mean + exp(q.log_deviation) * Variable(rng.normal(q.mean.shape(), x.dtype()));
    const Variable prior = sum(square(code), -1) * -0.5 - 0.5 * log_2pi * double(settings_.latent);
    const Variable weight =
        log_likelihood(Variable(x), decode(code)) + prior - log_normal(code, q.mean, q.log_deviation);
    weights.push_back(reshape(weight, {n, 1}));
  }
  return logsumexp(concat(weights, 1), -1) - std::log(double(samples));
}

LogDensity Vae::log_density(const Tensor& x, Rng& rng) const {
  check_rows("vae log_density", x.shape(), width_);
  const int64_t k = settings_.importance_samples;
  return {importance_bound(x, k, rng).value(), DensityKind::bound, join("IWAE-", k, " lower bound")};
}

Tensor Vae::encode(const Tensor& x) const {
  const Variable code = posterior(Variable(x)).mean;
  const Variable decoded = decode(code);
  const Variable noise = settings_.likelihood == Likelihood::gaussian
                             ? (Variable(x) - decoded) * exp(-log_noise_)
                             : where(x > 0.5, sigmoid(decoded) * 0.5, (sigmoid(decoded) + 1.0) * 0.5);
  return concat(std::vector{code, noise}, 1).value();
}

Variable EvidenceBound::loss(const Tensor& batch, Rng& rng) const {
  if (samples_ > 1) return -mean(model_.importance_bound(batch, samples_, rng));
  const Posterior q = model_.posterior(Variable(batch));
  const Variable deviation = exp(q.log_deviation);
  const Variable code = q.mean + deviation * Variable(rng.normal(q.mean.shape(), batch.dtype()));
  const Variable likelihood = model_.log_likelihood(Variable(batch), model_.decode(code));
  // KL(N(m, s²) ‖ N(0, 1)) = ½ (m² + s² − 1) − log s
  const Variable kl = sum((square(q.mean) + square(deviation) - 1.0) * 0.5 - q.log_deviation, -1);
  return mean(kl * beta_ - likelihood);
}

}  // namespace pf
