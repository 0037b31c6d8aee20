#include "models/diffusion/denoiser.h"

#include <algorithm>
#include <numbers>

#include "models/loss_by_level.h"
#include "models/waves.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/trigonometric.h"

namespace pf {

DenoiserAt guided_denoiser(GivenDenoiser denoiser, const Guidance& guidance, Tensor given) {
  return [denoiser = std::move(denoiser), guidance, given = std::move(given)](const Variable& x, double log_ratio) {
    CleanAndNoise<Variable> out = denoiser(x, log_ratio, given);
    if (guidance.weight == 0) return out;
    const CleanAndNoise<Variable> without = denoiser(x, log_ratio, guidance.null_rows(x.size(0), x.dtype()));
    out.clean = guidance.mix(out.clean, without.clean);
    out.noise = guidance.mix(out.noise, without.noise);
    return out;
  };
}

Denoiser::Denoiser(int64_t width, const DenoiserSettings& settings, Rng& rng)
    : settings_(settings),
      net_(mlp_widths(waves_width(width, settings.waves) + 1 + 2 * settings.frequencies + settings.guidance.inputs(),
                      settings.hidden, settings.depth, width),
           rng) {
  check(settings.data_deviation > 0, "denoiser: data deviation ", settings.data_deviation,
        ": expected a positive number, such as 1 for normalised data");
  check(settings.guess_deviation >= 0, "denoiser: guess deviation ", settings.guess_deviation,
        ": expected a positive number, or 0 for none");
}

Variable Denoiser::raw(const Variable& x, const Variable& log_ratio, const Tensor& given) const {
  const Variable c = expand(log_ratio * 0.25, {x.size(0), 1});
  std::vector<Variable> inputs{with_waves(x, settings_.waves, 8), c};
  if (settings_.frequencies > 0) {
    const Variable angle = c * (arange(1, double(settings_.frequencies) + 1, 1, x.dtype()) * std::numbers::pi);
    inputs.push_back(sin(angle));
    inputs.push_back(cos(angle));
  }
  if (given.defined()) inputs.emplace_back(given);
  const Variable said = net_(concat(inputs, 1));
  if (settings_.prediction == Prediction::score) return said * sqrt(exp(log_ratio * -2.0) + 1.0);  // said / σ
  if (settings_.prediction != Prediction::clean || settings_.guess_deviation == 0) return said;
  const Variable ratio = exp(log_ratio), trust = 1.0 / (square(ratio * (1 / settings_.guess_deviation)) + 1.0);
  return x * (trust * sqrt(square(ratio) + 1.0)) + said * (1.0 - trust);
}

CleanAndNoise<Variable> Denoiser::operator()(const Variable& x, double log_ratio, const Tensor& given) const {
  const NoiseLevel level = NoiseLevel::at(log_ratio);
  return interpret(settings_.prediction, raw(x, full({1, 1}, log_ratio, x.dtype()), given), x, level.alpha,
                   level.sigma);
}

DenoiserAt Denoiser::estimates(const char* who, const Tensor& context, int64_t n, DType dtype) const {
  return guided_denoiser(std::cref(*this), settings_.guidance, settings_.guidance.rows(who, context, n, dtype));
}

NoisyBatch::NoisyBatch(const Denoiser& denoiser, const Tensor& batch, Rng& rng, const Tensor& context)
    : truth{batch * (1 / denoiser.settings().data_deviation), Tensor()} {
  truth.noise = paired_noise(denoiser.settings().pairing, truth.clean, context, 0, rng);
  const int64_t n = batch.size(0);
  const Tensor cells = reshape(arange(0, double(n), 1, batch.dtype()), {n, 1});
  const Tensor quantile = (cells + rng.uniform({n, 1}, batch.dtype())) * (1 / double(n));
  // In single precision the last quantile may round to 1.
  log_ratio = denoiser.schedule().training_log_ratio(clamp(quantile, 1e-7, 1 - 1e-7));
  const Tensor ratio = exp(log_ratio);
  alpha = 1.0 / sqrt(square(ratio) + 1.0);
  sigma = ratio * alpha;
  x = alpha * truth.clean + sigma * truth.noise;
}

Variable DenoisingMatching::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  const DenoiserSettings& settings = denoiser_.settings();
  const NoisyBatch at(denoiser_, batch, rng, context);
  const Tensor given = settings.guidance.training_rows("diffusion loss", context, n, batch.dtype(), rng);
  const Variable said = denoiser_.raw(at.x, at.log_ratio, given);
  const Variable error = said - Variable(express(settings.prediction, at.truth, at.alpha, at.sigma));
  return sum(square(settings.prediction == Prediction::score ? error * at.sigma : error)) / double(n);
}

std::vector<VitalSign> DenoisingMatching::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  // Pairing takes the square of the number of rows and more.
  const bool few = denoiser_.settings().pairing != Pairing::independent;
  const int64_t n = few ? std::min<int64_t>(batch.size(0), 512) : batch.size(0);
  const Tensor some = slice(batch, 0, 0, n);
  const Tensor rows = context.defined() && context.size(0) > n ? slice(context, 0, 0, n) : context;
  const DenoiserSettings& settings = denoiser_.settings();
  const NoisyBatch at(denoiser_, some, rng, rows);
  const Tensor given = settings.guidance.training_rows("diffusion loss", rows, n, batch.dtype(), rng);
  const Tensor said = denoiser_.raw(at.x, at.log_ratio, given).value();
  const Tensor target = express(settings.prediction, at.truth, at.alpha, at.sigma);
  const Tensor weight = settings.prediction == Prediction::score ? at.sigma : ones_like(at.sigma);
  // The rows of a noisy batch are sorted by their noise.
  const Tensor level = reshape(arange(0, double(n), 1, batch.dtype()), {n, 1}) * (1 / double(n));
  return loss_by_level("noise", level, said * weight, target * weight);
}

}  // namespace pf
