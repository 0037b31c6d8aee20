#include "models/family.h"
#include "models/diffusion/chain.h"
#include "models/diffusion/consistency.h"
#include "models/diffusion/diffusion.h"

namespace pf {

namespace {

DenoiserSettings denoiser_settings(const Settings& s, const DataSummary& data) {
  return {.schedule = s.is("variant", "edm")         ? NoiseScheduleKind::edm
                      : s.is("variant", "vp-linear") ? NoiseScheduleKind::vp_linear
                      : s.is("variant", "sub-vp")    ? NoiseScheduleKind::sub_vp
                      : s.is("variant", "ve")        ? NoiseScheduleKind::ve
                                                     : NoiseScheduleKind::vp_cosine,
          .prediction = s.is("prediction", "v")         ? Prediction::velocity
                        : s.is("prediction", "epsilon") ? Prediction::noise
                        : s.is("prediction", "score")   ? Prediction::score
                                                        : Prediction::clean,
          .hidden = s.integer("hidden"),
          .depth = s.integer("depth"),
          .waves = s.integer("waves"),
          .frequencies = s.integer("frequencies"),
          .data_deviation = s.number("data-deviation"),
          .guess_deviation = s.number("guess-deviation"),
          .guidance = read_guidance(s, data.context),
          .pairing = s.is("pairing", "optimal") ? Pairing::optimal : Pairing::independent};
}

/// A model and its objective, which learns the model's denoiser.
template <class M> Built with_objective(std::unique_ptr<M> model) {
  auto objective = std::make_unique<DenoisingMatching>(model->denoiser());
  return Built{std::move(model), std::move(objective)};
}

Built build(const Settings& s, const DataSummary& data, Rng& rng) {
  if (s.is("variant", "consistency")) {
    ConsistencySettings settings{.denoiser = denoiser_settings(s, data), .steps = s.integer("jumps")};
    settings.denoiser.prediction = Prediction::velocity;
    settings.denoiser.waves = 0;
    auto model = std::make_unique<ConsistencyModel>(data.width, settings, rng);
    auto objective = std::make_unique<ConsistencyTraining>(model->denoiser());
    return Built{std::move(model), std::move(objective)};
  }
  if (s.is("solver", "ancestral") || s.is("solver", "sde")) {
    if (s.is("pairing", "optimal"))
      throw UsageError(
          join("diffusion: solver=", s.word("solver"),
               " takes fresh noise at every step, which pairing=optimal does not train; set solver=dopri5"));
    const ChainSettings settings{
        .denoiser = denoiser_settings(s, data),
        .kind = s.is("solver", "sde") ? ChainKind::sde : ChainKind::ancestral,
        .variance = s.is("variance", "forward") ? ChainVariance::forward : ChainVariance::posterior,
        .eta = s.number("eta"),
        .steps = s.integer("solver-steps")};
    return with_objective(std::make_unique<DiffusionChain>(data.width, settings, rng));
  }
  const DiffusionSettings settings{
      .denoiser = denoiser_settings(s, data),
      .solver = s.is("solver", "dopri5") ? DiffusionSolver::dopri5
                : s.is("solver", "heun") ? DiffusionSolver::heun
                : s.is("solver", "ddim") ? DiffusionSolver::ddim
                                         : DiffusionSolver::dpmpp_2m,
      .steps = s.integer("solver-steps"),
      .tolerance = s.number("tolerance"),
      .exact_divergence = s.is("divergence", "auto") ? data.width <= 16 : s.is("divergence", "exact")};
  return with_objective(std::make_unique<Diffusion>(data.width, settings, rng));
}

}  // namespace

Family diffusion_family() {
  return {
      .name = "diffusion",
      .title = "diffusion model",
      .map =
          "x = z carried from noise to data by the ODE or the noisy steps that a learned denoiser gives; all noise is "
          "in z",
      .density = "by the ODE (exact or estimated divergence); a lower bound where noise enters at every step",
      .settings =
          {choice("variant", {"edm", "vp-linear", "sub-vp", "vp-cosine", "ve", "consistency"},
                  "the noise schedule; or a map of one evaluation, learned in continuous time"),
           choice("prediction", {"v", "epsilon", "x0", "score"},
                  "what the network says of a noisy point; of consistency always v"),
           integer("hidden", 128, "width of the hidden layers"), integer("depth", 4, "hidden layers", 1, 16),
           integer(
               "waves", 4,
               "sines and cosines of each coordinate that the network sees, but for consistency: of periods 8, 4, 2 …",
               0, 8),
           integer("frequencies", 2, "sine and cosine pairs that tell the network the noise level", 0, 64),
           number("data-deviation", 1, "standard deviation of a coordinate of the normalised data", 1e-6, 1e6),
           number("guess-deviation", 0, "for x0: error of the network's guess, weighed against the noise; 0: none", 0,
                  1e6),
           of_sampling(choice("solver", {"dopri5", "heun", "ddim", "dpmpp-2m", "ancestral", "sde"},
                              "for sampling; ancestral and sde take noise at every step")),
           of_sampling(
               integer("solver-steps", 32, "steps of a solver with fixed steps; 2 or more with noise", 1, 100000)),
           of_sampling(
               number("eta", 1, "noise of ancestral steps: 1 is DDPM, 0 DDIM, without a bound on the density", 0, 1)),
           of_sampling(
               choice("variance", {"forward", "posterior"}, "of ancestral steps with eta=1: beta, or that of q")),
           of_sampling(number("tolerance", 1e-5, "of dopri5, which also computes inverse and density", 1e-12, 1)),
           of_sampling(
               choice("divergence", {"auto", "exact", "hutchinson"}, "of the density; auto: exact up to 16 columns")),
           choice("pairing", {"independent", "optimal"},
                  "noise and data of a training batch: by chance, or by optimal transport, for solvers without noise"),
           of_sampling(
               integer("jumps", 1, "of consistency: evaluations for a sample, with fresh noise between them", 1, 1000)),
           label_dropout_setting(), guidance_setting()},
      // Noise and v have as many dimensions as an image, more than pass through the hidden layers; clean images have few.
      .image_settings = {"hidden=512", "depth=3", "prediction=x0", "data-deviation=0.7", "guess-deviation=0.15",
                         "solver=heun", "waves=0", "solver-steps=18"},
      .defaults =
          [](const Settings& s, const DataSummary& data) {
            if (data.image) return TrainingDefaults{.steps = 4000, .batch = 128};
            // What is known of clean points has to spread to noisy ones, step by step.
            if (s.is("variant", "consistency")) return TrainingDefaults{.steps = 16000, .batch = 128, .rate = 8e-3};
            return TrainingDefaults{.steps = 12000, .batch = 128, .rate = 5e-3};
          },
      .build = build,
      .test_variants = {{"variant=edm", "hidden=24", "depth=2", "waves=0"},
                        {"variant=vp-linear", "hidden=24", "depth=2", "waves=0"},
                        {"variant=sub-vp", "hidden=24", "depth=2", "waves=0"},
                        {"variant=vp-cosine", "hidden=24", "depth=2", "waves=0"},
                        {"variant=ve", "hidden=24", "depth=2", "waves=0"},
                        {"variant=consistency", "hidden=24", "depth=2"},
                        {"solver=ancestral", "hidden=24", "depth=2", "waves=1", "solver-steps=12"},
                        {"solver=sde", "hidden=24", "depth=2", "waves=0", "solver-steps=12"}},
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
