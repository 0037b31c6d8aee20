#include "models/vae/evidence_bound.h"

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "tensor/capture.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"

namespace pf {
namespace {
// Where the weight of the KL term begins, as a part of its end: with none, deviations run off to zero in the first steps.
constexpr double least_share = 0.1;
}  // namespace

EvidenceBound::EvidenceBound(const Vae& model, const BoundSettings& settings)
    : model_(model),
      settings_(settings),
      kl_weight_(full({}, settings.beta, float64)),
      fitted_(model.fitted_prior(), false, [this](const Tensor& batch, Rng& rng, const Tensor& context) {
        return model_
            .draw(model_.encoded(Variable(batch), context),
                  rng.normal({batch.size(0), model_.code_width()}, batch.dtype()))
            .code.value();
      }) {
  check(settings.samples >= 1, "vae: ", settings.samples, " training samples: expected at least 1");
  const bool kl_term = settings.samples == 1 && !settings.doubly_reparameterized;
  check(
      kl_term || (settings.beta == 1 && settings.free_bits == 0), "vae: beta ", settings.beta, " and free bits ",
      settings.free_bits,
      " weigh a KL term, which this bound has not; set train-samples=1 and gradient=plain, or beta=1 and free-bits=0");
  check(kl_term || !model.fitted_prior(),
        "vae: this prior is fitted apart from the bound, which then has a KL term to N(0, I); set train-samples=1 and "
        "gradient=plain, or a prior with an exact density");
  if (settings.doubly_reparameterized) model.require_normal_posterior();
}

void EvidenceBound::set_progress(double part) {
  fitted_.set_progress(part);
  if (settings_.warm_up == 0) return;
  const double risen = std::min(1.0, part / settings_.warm_up);
  const double weight = settings_.beta * (least_share + (1 - least_share) * risen);
  if (!(kl_weight_.device() == default_device())) kl_weight_ = full({}, weight, float64);
  else overwrite(kl_weight_, full({}, weight, float64));
}

std::vector<Tensor> EvidenceBound::changing_numbers() const {
  std::vector<Tensor> out = fitted_.changing_numbers();
  if (settings_.warm_up > 0) out.push_back(kl_weight_);
  return out;
}

Variable EvidenceBound::weighted(const Variable& kl) const {
  if (settings_.warm_up == 0) return kl * settings_.beta;
  return kl * Variable(cast(kl_weight_, kl.dtype()));
}

Variable EvidenceBound::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  if (settings_.doubly_reparameterized) return doubly_reparameterized_loss(batch, rng, context);
  if (settings_.samples > 1) return -mean(model_.importance_bound(batch, settings_.samples, rng, context));
  return elbo_loss(batch, rng, context);
}

Variable EvidenceBound::elbo_loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Encoded from = model_.encoded(Variable(batch), context);
  const DrawnCode q = model_.draw(from, rng.normal({batch.size(0), model_.code_width()}, batch.dtype()));
  const Variable likelihood = model_.log_likelihood(Variable(batch), model_.decode(q.code, context));
  const Variable bound = negative_bound(q, likelihood);
  const CodeDensity* prior = model_.fitted_prior();
  return prior ? bound + prior->loss(q.code.value(), rng) : bound;
}

Variable EvidenceBound::negative_bound(const DrawnCode& q, const Variable& likelihood) const {
  const double free = settings_.free_bits;
  if (!q.kl.defined() || !model_.trains_with_normal_prior()) {
    const Variable kl = q.log_density - log_training_prior(q.code);
    if (free == 0) return mean(weighted(kl) - likelihood);
    return weighted(maximum(mean(kl), Variable(free * double(model_.code_width())))) - mean(likelihood);
  }
  if (free == 0) return mean(weighted(sum(q.kl, -1)) - likelihood);
  return weighted(sum(maximum(mean(q.kl, 0), Variable(free)))) - mean(likelihood);
}

Variable EvidenceBound::log_training_prior(const Variable& code) const {
  return model_.trains_with_normal_prior() ? Normal(model_.code_width()).log_density(code) : model_.log_prior(code);
}

// The codes are taken as starting points, and q's parameters as constants: one walk gives Σ w̃ₖ log wₖ's slope at each
// code, which is carried on to the encoder with another w̃ₖ. The decoder and the prior get their usual gradient.
Variable EvidenceBound::doubly_reparameterized_loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Posterior q = model_.posterior(Variable(batch), context), held = q.held();
  const int64_t samples = settings_.samples;
  std::vector<Variable> codes, starts, weights;
  for (int64_t k = 0; k < samples; ++k) {
    codes.push_back(q.sample(rng.normal(q.mean.shape(), batch.dtype())));
    starts.push_back(tracked(codes.back().value(), "code"));
    weights.push_back(
        unsqueeze(model_.log_weight(Variable(batch), starts.back(), held.log_density(starts.back()), context), 1));
  }
  const Variable log_weights = concat(weights, 1);
  const Tensor shares = softmax(log_weights.value(), -1);
  Variable gradient_carrier = sum(log_weights * Variable(shares));
  const std::vector<Tensor> slopes = grad(gradient_carrier, starts);
  for (int64_t k = 0; k < samples; ++k)
    gradient_carrier =
        gradient_carrier + sum(codes[size_t(k)] * Variable(slopes[size_t(k)] * slice(shares, 1, k, k + 1)));
  const Tensor bound = mean(logsumexp(log_weights.value(), -1)) - std::log(double(samples));
  const double rows = double(std::max<int64_t>(batch.size(0), 1));
  return Variable(-bound) - (gradient_carrier - stop_gradient(gradient_carrier)) * (1 / rows);
}

std::vector<VitalSign> EvidenceBound::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Encoded from = model_.encoded(Variable(batch), context);
  const int64_t latent = model_.settings().latent, levels = model_.settings().levels, width = model_.code_width();
  const auto numbers = [](const Tensor& x) { return cast(x, float64).to_vector<double>(); };
  int64_t active = 0;
  for (double v : numbers(var(model_.centre(from), 0))) active += v > 0.01;
  // Pruned units are what a model does with more than it needs; few of many are left where the decoder ignores the code.
  const bool collapsed = 4 * active <= width;
  std::vector<VitalSign> signs{{"active units of the code", double(active),
                                collapsed ? join("posterior collapse: ", active, " of ", width, " units") : ""}};
  const DrawnCode q = model_.draw(from, rng.normal({batch.size(0), width}, batch.dtype()));
  if (!q.kl.defined() || !model_.trains_with_normal_prior()) {
    signs.push_back({"KL to the prior (nats)", mean(q.log_density - log_training_prior(q.code)).item(), ""});
    return signs;
  }
  const std::vector<double> kl = numbers(mean(q.kl.value(), 0));
  double total = 0;
  for (int64_t l = 0; l < levels; ++l) {
    double of_level = 0;
    for (int64_t j = 0; j < latent; ++j) of_level += kl[size_t(l * latent + j)];
    const bool silent = of_level < 0.01;
    if (levels > 1)
      signs.push_back({join("KL of level ", l + 1, " (nats)"), of_level,
                       silent ? join("posterior collapse: level ", l + 1, " of ", levels) : ""});
    total += of_level;
  }
  signs.push_back({"KL to the prior (nats)", total, ""});
  for (int64_t j = 0; j < width && width <= 32; ++j)
    signs.push_back({join("KL of unit ", j + 1, " (nats)"), kl[size_t(j)], ""});
  return signs;
}

}  // namespace pf
