#include "models/vae/vae.h"

#include <cmath>
#include <numbers>

#include "models/context.h"
#include "models/vae/vamp_prior.h"
#include "models/waves.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"

namespace pf {

namespace {
constexpr double widest_period = 8;  // wider than normalised data and codes, so that no two places look alike
}

Vae::Vae(int64_t width, const VaeSettings& settings, Rng& rng)
    : settings_(settings),
      width_(width),
      head_(make_decoder_head(settings.likelihood, width, settings.data_levels)),
      inference_(make_inference(inference_settings(), rng)),
      encoder_(mlp_widths(waves_width(width, settings.waves) + settings.context, settings.hidden, settings.depth,
                          inference_->encoded()),
               rng),
      decoder_(mlp_widths(waves_width(code_width(), settings.waves) + settings.context, settings.hidden, settings.depth,
                          width * head_->outputs()),
               rng),
      prior_(make_prior(rng)),
      base_({prior_ ? prior_->base() : std::make_shared<Normal>(code_width()), head_->noise()}) {
  check(settings.importance_samples >= 1, "vae: ", settings.importance_samples,
        " importance samples: expected at least 1");
  // Every level starts as N(0, I), whatever is above it.
  for (int64_t l = settings.context > 0 ? 0 : 1; l < settings.levels; ++l)
    placing_.emplace_back(mlp_widths(l * settings.latent + settings.context, settings.hidden, 1, 2 * settings.latent),
                          rng, MlpOptions{.final_gain = 0});
}

InferenceSettings Vae::inference_settings() const {
  return {.kind = settings_.posterior,
          .latent = settings_.latent,
          .levels = settings_.levels,
          .layers = settings_.posterior_layers,
          .hidden = settings_.levels > 1 ? settings_.hidden : settings_.flow.hidden,
          .input = width_ + settings_.context};
}

std::unique_ptr<CodeDensity> Vae::make_prior(Rng& rng) const {
  switch (settings_.prior) {
    case PriorKind::normal:
      return nullptr;
    case PriorKind::mixture:
      return std::make_unique<GaussianMixture>(code_width(), settings_.components, rng);
    case PriorKind::flow:
      return std::make_unique<FlowDensity>(code_width(), settings_.flow, rng);
    case PriorKind::family:
      return std::make_unique<FamilyDensity>("vae", pf::family(settings_.prior_family.family),
                                             settings_.prior_family.settings, code_width(), rng);
    case PriorKind::vamp:
      require_normal_posterior();
      return std::make_unique<VampPrior>(
          width_ + settings_.context, settings_.latent, settings_.components,
          [this](const Variable& u) { return normal(encoder_output(u)); }, rng);
  }
  fail("vae: unknown prior ", int(settings_.prior));
}

Traits Vae::traits() const {
  return {.invertible = false,
          .same_width = false,
          .smooth = head_->smooth(),
          .relaxed = head_->smooth() ? "" : "sigmoids in place of the steps of the head's inverse CDF",
          .density = has_prior_density() ? DensityKind::bound : DensityKind::none,
          .steps = 1};
}

Variable Vae::placed(const Variable& code, const Tensor& context) const {
  const int64_t latent = settings_.latent;
  if (placing_.empty()) return code;
  const Tensor given = context_rows("vae", context, code.size(0), settings_.context, code.dtype());
  Variable above;
  for (int64_t l = 0; l < settings_.levels; ++l) {
    Variable level = slice(code, 1, l * latent, (l + 1) * latent);
    if (l > 0 || given.defined()) {
      const Variable input = l == 0 ? Variable(given) : with_context("vae", above, context, settings_.context);
      const Variable moved = placing_[size_t(given.defined() ? l : l - 1)](input);
      level = slice(moved, 1, 0, latent) + exp(slice(moved, 1, latent)) * level;
    }
    above = l == 0 ? level : concat({above, level}, 1);
  }
  return above;
}

Variable Vae::decode(const Variable& code, const Tensor& context) const {
  return decoder_(with_context("vae", with_waves(placed(code, context), settings_.waves, widest_period), context,
                               settings_.context));
}

Variable Vae::push(const Variable& z, const Tensor& context) const {
  check_rows("vae push", z.shape(), base_.width());
  const int64_t of_prior = base_.width() - head_->noise()->width();
  return head_->draw(decode(prior_push(slice(z, 1, 0, of_prior)), context), slice(z, 1, of_prior));
}

Variable Vae::push_relaxed(const Variable& z, double temperature, const Tensor& context) const {
  if (head_->smooth()) return Transform::push_relaxed(z, temperature, context);
  check(temperature > 0, "vae: a relaxed map at temperature ", temperature, ": expected a positive number");
  check_rows("vae push", z.shape(), base_.width());
  const int64_t of_prior = base_.width() - head_->noise()->width();
  const Variable decoded = decode(prior_push(slice(z, 1, 0, of_prior)), context);
  return head_->draw_relaxed(decoded, slice(z, 1, of_prior), temperature);
}

Encoded Vae::encoded(const Variable& x, const Tensor& context) const {
  check_rows("vae encoder", x.shape(), width_);
  const Variable input = with_context("vae", head_->scaled(x), context, settings_.context);
  return {input, encoder_output(input)};
}

Variable Vae::encoder_output(const Variable& input) const {
  if (settings_.waves == 0) return encoder_(input);
  const Variable seen = with_waves(slice(input, 1, 0, width_), settings_.waves, widest_period);
  return encoder_(settings_.context > 0 ? concat({seen, slice(input, 1, width_)}, 1) : seen);
}

void Vae::require_normal_posterior() const {
  const PosteriorKind kind = settings_.posterior;
  check(
      (kind == PosteriorKind::diagonal || kind == PosteriorKind::full) && settings_.levels == 1,
      "vae: a vamp prior and the doubly reparameterised gradient need the posterior's density at any code, which flows "
      "and levels of codes do not have; set posterior=diagonal or posterior=full, and no levels");
}

Posterior Vae::normal(const Variable& encoder_output) const {
  require_normal_posterior();
  return Posterior::from(encoder_output, settings_.latent, settings_.posterior == PosteriorKind::full);
}

Variable Vae::log_prior(const Variable& code) const {
  if (prior_) return prior_->log_density(code);
  return sum(square(code), -1) * -0.5 - 0.5 * std::log(2 * std::numbers::pi) * double(code_width());
}

Variable Vae::log_weight(const Variable& x, const Variable& code, const Variable& log_q, const Tensor& context) const {
  return log_likelihood(x, decode(code, context)) + log_prior(code) - log_q;
}

Variable Vae::importance_bound(const Tensor& x, int64_t samples, Rng& rng, const Tensor& context) const {
  check(samples >= 1, "vae: ", samples, " importance samples: expected at least 1");
  const Encoded from = encoded(Variable(x), context);
  std::vector<Variable> weights;
  for (int64_t k = 0; k < samples; ++k) {
    const DrawnCode drawn = draw(from, rng.normal({x.size(0), code_width()}, x.dtype()));
    weights.push_back(unsqueeze(log_weight(Variable(x), drawn.code, drawn.log_density, context), 1));
  }
  return logsumexp(concat(weights, 1), -1) - std::log(double(samples));
}

LogDensity Vae::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  if (!has_prior_density()) cannot("the family has no density", "compare samples instead (evaluate)");
  check_rows("vae log_density", x.shape(), width_);
  const int64_t k = settings_.importance_samples;
  return {importance_bound(x, k, rng, context).value(), DensityKind::bound, join("IWAE-", k, " lower bound")};
}

Tensor Vae::encode(const Tensor& x, const Tensor& context) const {
  const Tensor code = centre(encoded(Variable(x), context));
  const Tensor z = prior_ ? prior_->encode(code) : code;
  const Tensor decoded = decode(prior_push(Variable(z)), context).value();
  return concat({z, head_->noise_of(x, decoded)}, 1);
}

}  // namespace pf
