#include "models/family.h"
#include "models/diffusion/diffusion.h"

namespace pf {

Family diffusion_family() {
  return {
      .name = "diffusion",
      .title = "diffusion model",
      .map = "x = z carried from noise to data by the probability-flow ODE of a learned denoiser",
      .density = "by the ODE: log p(x) = log p0(z) - integral of the divergence along the path",
      .settings = {choice("variant", {"edm", "vp-linear", "vp-cosine"}, "the noise schedule"),
                   choice("prediction", {"v", "epsilon", "x0"}, "what the network says of a noisy point"),
                   integer("hidden", 128, "width of the hidden layers"), integer("depth", 4, "hidden layers", 1, 16),
                   integer("frequencies", 2, "sine and cosine pairs that tell the network the noise level", 0, 64),
                   number("data-deviation", 1, "standard deviation of a coordinate of the normalised data", 1e-6, 1e6),
                   choice("solver", {"dopri5", "heun", "ddim", "dpmpp-2m"}, "for sampling"),
                   integer("solver-steps", 32, "steps of a solver with fixed steps", 1, 100000),
                   number("tolerance", 1e-5, "of dopri5, which also computes inverse and density", 1e-12, 1),
                   choice("divergence", {"auto", "exact", "hutchinson"},
                          "of the density; auto: exact up to 16 columns")},
      .image_settings = {"hidden=512", "depth=3", "data-deviation=0.7", "solver=heun", "solver-steps=18"},
      .defaults =
          [](const Settings&, const DataSummary& data) {
            return data.image ? TrainingDefaults{.steps = 4000, .batch = 256}
                              : TrainingDefaults{.steps = 6000, .batch = 128, .rate = 8e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            DiffusionSettings settings;
            settings.denoiser = {.schedule = s.is("variant", "edm")         ? NoiseScheduleKind::edm
                                             : s.is("variant", "vp-linear") ? NoiseScheduleKind::vp_linear
                                                                            : NoiseScheduleKind::vp_cosine,
                                 .prediction = s.is("prediction", "v")         ? Prediction::velocity
                                               : s.is("prediction", "epsilon") ? Prediction::noise
                                                                               : Prediction::clean,
                                 .hidden = s.integer("hidden"),
                                 .depth = s.integer("depth"),
                                 .frequencies = s.integer("frequencies"),
                                 .data_deviation = s.number("data-deviation")};
            settings.solver = s.is("solver", "dopri5") ? DiffusionSolver::dopri5
                              : s.is("solver", "heun") ? DiffusionSolver::heun
                              : s.is("solver", "ddim") ? DiffusionSolver::ddim
                                                       : DiffusionSolver::dpmpp_2m;
            settings.steps = s.integer("solver-steps");
            settings.tolerance = s.number("tolerance");
            settings.exact_divergence = s.is("divergence", "auto") ? data.width <= 16 : s.is("divergence", "exact");
            auto model = std::make_unique<Diffusion>(data.width, settings, rng);
            auto objective = std::make_unique<DenoisingMatching>(model->denoiser());
            return Built{std::move(model), std::move(objective)};
          },
      .test_variants = {{"variant=edm", "hidden=24", "depth=2"},
                        {"variant=vp-linear", "hidden=24", "depth=2"},
                        {"variant=vp-cosine", "hidden=24", "depth=2"}},
  };
}

}  // namespace pf
