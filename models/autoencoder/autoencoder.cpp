#include "models/autoencoder/autoencoder.h"

#include "autograd/functional.h"
#include "models/context.h"
#include "models/injective_density.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

std::unique_ptr<CodeDensity> make_density(const AutoencoderSettings& s, Rng& rng) {
  if (s.density == CodeDensityKind::family)
    return std::make_unique<FamilyDensity>("autoencoder", family(s.family), s.family_settings, s.latent, rng,
                                           s.context);
  if (s.density == CodeDensityKind::flow) return std::make_unique<FlowDensity>(s.latent, s.flow, rng, s.context);
  const int64_t components = s.density == CodeDensityKind::mixture ? s.components : 1;
  return std::make_unique<GaussianMixture>(s.latent, components, rng, s.context);
}

}  // namespace

Autoencoder::Autoencoder(int64_t width, const AutoencoderSettings& settings, Rng& rng)
    : width_(width),
      latent_(settings.latent),
      context_(settings.context),
      encoder_(mlp_widths(width + settings.context, settings.hidden, settings.depth, settings.latent), rng),
      decoder_(mlp_widths(settings.latent + settings.context, settings.hidden, settings.depth, width), rng),
      density_(make_density(settings, rng)),
      base_(density_->base()) {}

Traits Autoencoder::traits() const {
  return {.invertible = false,
          .same_width = base_->width() == width_,
          .reconstructs = false,
          .density = DensityKind::none,
          .steps = 1};
}

Variable Autoencoder::push(const Variable& z, const Tensor& context) const {
  check_rows("autoencoder push", z.shape(), base_->width());
  return decode(density_->push(z, context), context);
}

Variable Autoencoder::code(const Variable& x, const Tensor& context) const {
  check_rows("autoencoder encoder", x.shape(), width_);
  return encoder_(with_context("autoencoder", x, context, context_));
}

Variable Autoencoder::decode(const Variable& code, const Tensor& context) const {
  return decoder_(with_context("autoencoder", code, context, context_));
}

Tensor Autoencoder::encode(const Tensor& x, const Tensor& context) const {
  return density_->encode(code(Variable(x), context).value(), context);
}

Tensor Autoencoder::surface_log_density(const Tensor& code, const Tensor& context) const {
  check_rows("autoencoder surface_log_density", code.shape(), latent_);
  check(latent_ <= width_, "autoencoder: codes of ", latent_, " coordinates for data of ", width_,
        " columns: the decoder gives points more than once, so they have no density; set latent to ", width_,
        " or less");
  const Tensor volume = log_volume([&](const Variable& c) { return decode(c, context); }, code);
  return density_->log_density(Variable(code), context).value() - cast(volume, code.dtype());
}

Reconstruction::Reconstruction(const Autoencoder& model, const ReconstructionSettings& settings)
    : model_(model),
      settings_(settings),
      on_codes_(&model.density(), true, [this](const Tensor& batch, Rng&, const Tensor& context) {
        return model_.code(Variable(batch), context).value();
      }) {}

Variable Reconstruction::reconstruction_loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const bool noisy = settings_.variant == AutoencoderVariant::denoising;
  const Tensor input = noisy ? batch + rng.normal(batch.shape(), batch.dtype()) * settings_.noise : batch;
  const Variable code = model_.code(Variable(input), context);
  const Map decode = [&](const Variable& c) { return model_.decode(c, context); };
  const auto error = [&](const Variable& decoded) { return mean(sum(square(decoded - Variable(batch)), -1)) * 0.5; };
  const auto code_size = [&] { return mean(sum(square(code), -1)) * (0.5 * settings_.code_weight); };
  switch (settings_.variant) {
    case AutoencoderVariant::plain:
    case AutoencoderVariant::denoising:
      return error(decode(code));
    case AutoencoderVariant::rae_l2: {
      Variable weights;
      for (const Linear& layer : model_.decoder().layers)
        for (const Variable& p : {layer.weight, layer.bias}) {
          const Variable term = sum(square(p));
          weights = weights.defined() ? weights + term : term;
        }
      return error(decode(code)) + code_size() + weights * settings_.decoder_weight;
    }
    case AutoencoderVariant::rae_gp: {
      // ‖J‖² = E ‖Jᵀ v‖² for random signs v: one walk back, itself recorded, instead of one for every column of data.
      const auto [decoded, pullback] = vjp<Variable>(decode, code);
      const Variable slope = pullback(Variable(rng.rademacher(batch.shape(), batch.dtype())));
      return error(decoded) + code_size() + mean(sum(square(slope), -1)) * (0.5 * settings_.decoder_weight);
    }
  }
  fail("autoencoder: unknown variant ", int(settings_.variant));
}

Variable Reconstruction::density_loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  return model_.density().loss(model_.code(Variable(batch), context).value(), rng, context);
}

Variable Reconstruction::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  return reconstruction_loss(batch, rng, context) + density_loss(batch, rng, context);
}

std::vector<VitalSign> Reconstruction::vital_signs(const Tensor& batch, Rng&, const Tensor& context) const {
  const Tensor missed = model_.decode(model_.code(Variable(batch), context), context).value() - batch;
  const double part = (sum(square(missed)) / sum(square(batch - mean(batch, 0)))).item();
  return {{"variance missed by reconstructions", part,
           part > 0.9 ? "the codes say nothing: reconstructions miss nine tenths of the variance" : ""}};
}

}  // namespace pf
