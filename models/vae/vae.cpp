#include "models/vae/vae.h"

#include <cmath>
#include <numbers>

#include "models/context.h"
#include "models/vae/vamp_prior.h"
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

}  // namespace

Vae::Vae(int64_t width, const VaeSettings& settings, Rng& rng)
    : settings_(settings),
      width_(width),
      encoder_(mlp_widths(width + settings.context, settings.hidden, settings.depth,
                          Posterior::encoded_width(settings.latent, settings.full_posterior)),
               rng),
      decoder_(mlp_widths(settings.latent + settings.context, settings.hidden, settings.depth, width), rng),
      log_noise_(full({width}, -1.0)),
      prior_(make_prior(rng)),
      base_(make_base()) {
  check(settings.importance_samples >= 1, "vae: ", settings.importance_samples,
        " importance samples: expected at least 1");
  // Starts as the prior without a condition.
  if (settings.context > 0)
    prior_context_.emplace(mlp_widths(settings.context, settings.hidden, 1, 2 * settings.latent), rng,
                           MlpOptions{.final_gain = 0});
}

std::unique_ptr<CodeDensity> Vae::make_prior(Rng& rng) const {
  const int64_t latent = settings_.latent;
  switch (settings_.prior) {
    case PriorKind::normal:
      return nullptr;
    case PriorKind::mixture:
      return std::make_unique<GaussianMixture>(latent, settings_.components, rng);
    case PriorKind::flow:
      return std::make_unique<FlowDensity>(latent, settings_.flow, rng);
    case PriorKind::vamp:
      return std::make_unique<VampPrior>(
          encoder_.in(), latent, settings_.components, [this](const Variable& u) { return encoded(u); }, rng);
  }
  fail("vae: unknown prior ", int(settings_.prior));
}

Product Vae::make_base() const {
  std::shared_ptr<const Distribution> code = std::make_shared<Normal>(settings_.latent), noise;
  if (prior_) code = prior_->base();
  if (settings_.likelihood == Likelihood::gaussian) noise = std::make_shared<Normal>(width_);
  else noise = std::make_shared<Uniform>(width_);
  return Product({code, noise});
}

Traits Vae::traits() const {
  return {.invertible = false,
          .same_width = false,
          .smooth = settings_.likelihood == Likelihood::gaussian,
          .density = DensityKind::bound,
          .steps = 1};
}

Variable Vae::decode(const Variable& code, const Tensor& context) const {
  const Variable input = with_context("vae", code, context, settings_.context);
  if (!prior_context_) return decoder_(input);
  const int64_t latent = settings_.latent;
  const Variable given = slice(input, 1, latent), prior = (*prior_context_)(given);
  return decoder_(concat({slice(prior, 1, 0, latent) + exp(slice(prior, 1, latent)) * code, given}, 1));
}

Variable Vae::push(const Variable& z, const Tensor& context) const {
  check_rows("vae push", z.shape(), base_.width());
  const int64_t of_prior = base_.width() - width_;
  const Variable decoded = decode(prior_push(slice(z, 1, 0, of_prior)), context);
  const Variable noise = slice(z, 1, of_prior);
  if (settings_.likelihood == Likelihood::gaussian) return decoded + exp(log_noise_) * noise;
  return Variable(cast(less(noise, sigmoid(decoded)), z.dtype()));
}

Posterior Vae::encoded(const Variable& input) const {
  return Posterior::from(encoder_(input), settings_.latent, settings_.full_posterior);
}

Posterior Vae::posterior(const Variable& x, const Tensor& context) const {
  check_rows("vae encoder", x.shape(), width_);
  return encoded(with_context("vae", x, context, settings_.context));
}

Variable Vae::log_likelihood(const Variable& x, const Variable& decoded) const {
  if (settings_.likelihood == Likelihood::gaussian) {
    const Variable white = (x - decoded) * exp(-log_noise_);
    return sum(square(white) * -0.5 - expand(log_noise_, decoded.shape()), -1) - 0.5 * log_2pi * double(width_);
  }
  return sum(x * decoded - softplus(decoded), -1);
}

Variable Vae::log_prior(const Variable& code) const {
  if (prior_) return prior_->log_density(code);
  return sum(square(code), -1) * -0.5 - 0.5 * log_2pi * double(settings_.latent);
}

Variable Vae::log_weight(const Variable& x, const Variable& code, const Posterior& q, const Tensor& context) const {
  return log_likelihood(x, decode(code, context)) + log_prior(code) - q.log_density(code);
}

Variable Vae::importance_bound(const Tensor& x, int64_t samples, Rng& rng, const Tensor& context) const {
  check(samples >= 1, "vae: ", samples, " importance samples: expected at least 1");
  const Posterior q = posterior(Variable(x), context);
  std::vector<Variable> weights;
  for (int64_t k = 0; k < samples; ++k) {
    const Variable code = q.sample(rng.normal(q.mean.shape(), x.dtype()));
    weights.push_back(unsqueeze(log_weight(Variable(x), code, q, context), 1));
  }
  return logsumexp(concat(weights, 1), -1) - std::log(double(samples));
}

LogDensity Vae::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  check_rows("vae log_density", x.shape(), width_);
  const int64_t k = settings_.importance_samples;
  return {importance_bound(x, k, rng, context).value(), DensityKind::bound, join("IWAE-", k, " lower bound")};
}

Tensor Vae::encode(const Tensor& x, const Tensor& context) const {
  const Tensor mean = posterior(Variable(x), context).mean.value();
  const Tensor z = prior_ ? prior_->encode(mean) : mean;
  const Variable decoded = decode(prior_push(Variable(z)), context);
  const Variable noise = settings_.likelihood == Likelihood::gaussian
                             ? (Variable(x) - decoded) * exp(-log_noise_)
                             : where(x > 0.5, sigmoid(decoded) * 0.5, (sigmoid(decoded) + 1.0) * 0.5);
  return concat(std::vector{Variable(z), noise}, 1).value();
}

}  // namespace pf
