#include "models/family.h"
#include "models/autoencoder/autoencoder.h"

namespace pf {
namespace {

AutoencoderVariant variant_of(const Settings& s) {
  if (s.is("variant", "denoising")) return AutoencoderVariant::denoising;
  if (s.is("variant", "rae-l2")) return AutoencoderVariant::rae_l2;
  if (s.is("variant", "rae-gp")) return AutoencoderVariant::rae_gp;
  return AutoencoderVariant::plain;
}

CodeDensityKind density_of(const Settings& s) {
  const std::string& word = s.word("code-density");
  const std::string name = word.substr(0, word.find(':'));
  if (name == word && word == "flow") return CodeDensityKind::flow;
  if (name != "gaussian" && name != "mixture") return CodeDensityKind::family;
  if (name != word)
    throw UsageError(join("autoencoder: code-density=", word, ": only families have variants, as in flow:maf"));
  return name == "gaussian" ? CodeDensityKind::gaussian : CodeDensityKind::mixture;
}

}  // namespace

Family autoencoder_family() {
  return {
      .name = "autoencoder",
      .title = "autoencoder",
      .map = "x = decoder(g(z)): g carries noise to codes, with a density fitted to those of the encoder",
      .density = "none in the space of the data: samples lie on the decoder's surface",
      .settings =
          {choice("variant", {"plain", "denoising", "rae-l2", "rae-gp"}, "what is learned besides giving x back"),
           with_variants(choice("code-density",
                                {"flow", "gaussian", "mixture", "autoregressive", "diffusion", "flow-matching", "gan",
                                 "vae", "autoencoder"},
                                "what is fitted to the codes: a small spline flow, normal distributions, or any family "
                                "with its default settings")),
           integer("latent", 2, "coordinates of the code", 1, 4096),
           integer("hidden", 128, "width of the hidden layers of encoder and decoder"),
           integer("depth", 2, "hidden layers of encoder and decoder", 0, 16),
           integer("components", 10, "of a mixture", 2, 10000),
           integer("layers", 4, "couplings of the flow on the codes"),
           integer("flow-hidden", 64, "width of the hidden layers of the flow, or other family, on the codes"),
           number("noise", 0.1, "deviation of the noise that denoising removes, in the data's deviations", 0, 100),
           number("code-weight", 0.01, "weight of half the codes' squared length, for rae", 0, 1000),
           number("decoder-weight", 1e-4, "weight of the decoder's regulariser, for rae", 0, 1000)},
      .image_settings = {"hidden=512", "latent=16"},
      .defaults =
          [](const Settings&, const DataSummary& data) {
            return data.image ? TrainingDefaults{.steps = 4000, .batch = 128}
                              : TrainingDefaults{.steps = 5000, .batch = 128, .rate = 4e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            const FamilyOnCodes on_codes =
                family_on_codes(s.word("code-density"), s.word("flow-hidden"), s.integer("latent"));
            auto model = std::make_unique<Autoencoder>(
                data.width,
                AutoencoderSettings{
                    .latent = s.integer("latent"),
                    .hidden = s.integer("hidden"),
                    .depth = s.integer("depth"),
                    .density = density_of(s),
                    .components = s.integer("components"),
                    .flow = {.layers = s.integer("layers"), .hidden = s.integer("flow-hidden"), .bound = 4},
                    .family = on_codes.family,
                    .family_settings = on_codes.settings,
                    .context = data.context},
                rng);
            auto objective = std::make_unique<Reconstruction>(
                *model, ReconstructionSettings{.variant = variant_of(s),
                                               .noise = s.number("noise"),
                                               .code_weight = s.number("code-weight"),
                                               .decoder_weight = s.number("decoder-weight")});
            return Built{std::move(model), std::move(objective)};
          },
      .test_variants = {{"code-density=flow", "hidden=16", "layers=2", "flow-hidden=16"},
                        {"variant=denoising", "code-density=gaussian", "hidden=16"},
                        {"variant=rae-l2", "code-density=mixture", "components=3", "hidden=16", "latent=3"},
                        {"variant=rae-gp", "code-density=gaussian", "hidden=16", "latent=1"},
                        {"code-density=diffusion", "hidden=16", "flow-hidden=16"},
                        {"code-density=flow-matching", "hidden=16", "flow-hidden=16"},
                        {"code-density=autoregressive", "hidden=16", "flow-hidden=16"},
                        {"code-density=gan", "hidden=16", "flow-hidden=16"},
                        {"code-density=flow:maf", "hidden=16", "flow-hidden=16"}},
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
