#include "models/family.h"
#include "models/flow_matching/flow_matching.h"
#include "models/flow_matching/mean_flow.h"
#include "models/flow_matching/rectified_flow.h"
#include "models/flow_matching/shortcut.h"
#include "models/flow_matching/stochastic_interpolant.h"

namespace pf {

Family flow_matching_family() {
  return {
      .name = "flow-matching",
      .title = "flow matching",
      .map = "x = z carried by dx/dt = v(x, t) from t = 0 to t = 1, v learned by regression on straight paths",
      .density =
          "by the ODE: log p(x) = log p0(z) - integral of div v along the path; none for mean-flow, shortcut and paths "
          "with noise on the way",
      .settings =
          {choice("variant",
                  {"ot", "independent", "schroedinger-bridge", "trigonometric", "rectified", "mean-flow", "shortcut",
                   "interpolant", "sf2m"},
                  "pairs by optimal transport or by chance, on straight paths; entropic pairs and Brownian "
                  "bridges; pairs by chance on trigonometric paths; pairs by chance, then those of the learned "
                  "flow; jumps by average velocities, by their derivative or from halves; paths with noise of "
                  "their own, sampled with noise or without; the bridge, sampled with its noise"),
           choice("pairing", {"optimal", "independent"},
                  "of mean-flow and shortcut: noise and data of a batch by optimal transport or by chance"),
           of_sampling(integer("jumps", 1, "of mean-flow and shortcut: jumps for a sample", 1, 1000)),
           integer("reflows", 1, "of rectified: how often the flow is learned anew on its own pairs", 0, 10),
           integer("pair-steps", 8, "of rectified: steps of rk4 for a pair", 1, 1000),
           integer("hidden", 128, "width of the hidden layers"), integer("depth", 4, "hidden layers", 1, 16),
           integer("waves", 4,
                   "sines and cosines of each coordinate that the network sees, but for mean-flow and "
                   "shortcut: of periods 8, 4, 2 …",
                   0, 8),
           choice("prediction", {"velocity", "data"},
                  "what the network says: the velocity, or the data that the path leads to; of ot, independent, "
                  "schroedinger-bridge and rectified, the others say velocities"),
           integer("frequencies", 0, "sine and cosine pairs that tell the network the time", 0, 64),
           number("sigma", 0,
                  "noise added to the paths; 0 is 0.3 of schroedinger-bridge, 0.5 of sf2m, 1 of interpolant", 0, 10),
           of_sampling(number("diffusion-coefficient", 0, "of interpolant: noise in sampling, 0: none", 0, 100)),
           of_sampling(choice("solver", {"dopri5", "rk4", "heun", "midpoint", "euler"}, "for sampling")),
           of_sampling(
               integer("solver-steps", 50, "steps of a solver with fixed steps, and of those with noise", 1, 100000)),
           of_sampling(number("tolerance", 1e-5, "of dopri5", 1e-12, 1)),
           of_sampling(
               choice("divergence", {"auto", "exact", "hutchinson"}, "of the density; auto: exact up to 16 columns")),
           label_dropout_setting(), guidance_setting()},
      .image_settings = {"hidden=512", "depth=3", "frequencies=4", "waves=0", "prediction=data"},
      .defaults =
          [](const Settings&, const DataSummary& data) {
            return data.image ? TrainingDefaults{.steps = 4000, .batch = 256}
                              : TrainingDefaults{.steps = 8000, .batch = 128, .rate = 8e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            const Guidance guidance = read_guidance(s, data.context);
            const OdeOptions ode{.method = parse_ode_method(s.word("solver")),
                                 .steps = s.integer("solver-steps"),
                                 .tolerance = s.number("tolerance")};
            const bool exact = s.is("divergence", "auto") ? data.width <= 16 : s.is("divergence", "exact");
            if (s.is("variant", "mean-flow") || s.is("variant", "shortcut")) {
              auto model = std::make_unique<MeanFlow>(data.width, s.integer("hidden"), s.integer("depth"), rng,
                                                      guidance, s.integer("jumps"));
              std::unique_ptr<Objective> objective;
              const Pairing pairing = s.is("pairing", "optimal") ? Pairing::optimal : Pairing::independent;
              if (s.is("variant", "shortcut")) objective = std::make_unique<ShortcutMatching>(*model, pairing);
              else objective = std::make_unique<MeanVelocityMatching>(*model, pairing);
              return Built{std::move(model), std::move(objective)};
            }
            if (s.is("variant", "interpolant") || s.is("variant", "sf2m")) {
              const bool bridge = s.is("variant", "sf2m");
              InterpolantSettings settings{.hidden = s.integer("hidden"),
                                           .depth = s.integer("depth"),
                                           .frequencies = s.integer("frequencies"),
                                           .waves = s.integer("waves"),
                                           .sigma = s.number("sigma"),
                                           .diffusion = s.number("diffusion-coefficient"),
                                           .steps = s.integer("solver-steps"),
                                           .ode = ode,
                                           .exact_divergence = exact,
                                           .guidance = guidance};
              if (settings.sigma == 0) settings.sigma = bridge ? 0.5 : 1;
              if (bridge) {
                settings.pairing = Pairing::entropic;
                settings.diffusion = 0.5 * settings.sigma * settings.sigma;
              }
              auto model = std::make_unique<StochasticInterpolant>(data.width, settings, rng);
              auto objective = std::make_unique<InterpolantMatching>(*model);
              return Built{std::move(model), std::move(objective)};
            }
            FlowMatchingSettings settings{.hidden = s.integer("hidden"),
                                          .depth = s.integer("depth"),
                                          .frequencies = s.integer("frequencies"),
                                          .waves = s.integer("waves")};
            if (s.is("prediction", "data") && !s.is("variant", "trigonometric"))
              settings.prediction = FieldPrediction::data;
            settings.sampling = settings.likelihood = ode;
            settings.guidance = guidance;
            settings.divergence = exact ? DivergenceKind::exact : DivergenceKind::hutchinson;
            settings.keeps_teacher = s.is("variant", "rectified") && s.integer("reflows") > 0;
            auto model = std::make_unique<FlowMatching>(data.width, settings, rng);
            if (s.is("variant", "rectified")) {
              auto objective = std::make_unique<Rectification>(*model, s.integer("reflows"), s.integer("pair-steps"));
              return Built{std::move(model), std::move(objective)};
            }
            MatchingSettings matching{.sigma = s.number("sigma")};
            if (s.is("variant", "ot")) matching.pairing = Pairing::optimal;
            if (s.is("variant", "trigonometric")) matching.interpolant = Interpolant::trigonometric;
            if (s.is("variant", "schroedinger-bridge")) {
              matching.pairing = Pairing::entropic;
              if (matching.sigma == 0) matching.sigma = 0.3;
            }
            auto objective = std::make_unique<VelocityMatching>(*model, matching);
            return Built{std::move(model), std::move(objective)};
          },
      .test_variants = {{"variant=ot", "hidden=24", "depth=2", "waves=1"},
                        {"variant=independent", "hidden=24", "depth=2", "waves=0"},
                        {"variant=schroedinger-bridge", "hidden=24", "depth=2", "waves=0"},
                        {"variant=trigonometric", "hidden=24", "depth=2", "waves=0"},
                        {"variant=rectified", "hidden=24", "depth=2", "waves=0"},
                        {"variant=mean-flow", "hidden=24", "depth=2"},
                        {"variant=shortcut", "hidden=24", "depth=2", "jumps=2"},
                        {"variant=interpolant", "hidden=24", "depth=2", "waves=0", "solver-steps=10"},
                        {"variant=sf2m", "hidden=24", "depth=2", "waves=0", "solver-steps=10"}},
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
