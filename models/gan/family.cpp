#include "models/family.h"
#include "models/gan/drifting.h"
#include "models/gan/game.h"
#include "models/gan/generator.h"
#include "models/gan/two_sample.h"

namespace pf {
namespace {

GameSettings game_settings(const Settings& s, int64_t context) {
  GameSettings out{.penalty_left = s.number("gamma-left"),
                   .critic_steps = s.integer("critic-steps"),
                   .hidden = s.integer("critic-hidden"),
                   .smooth = s.is("critic-activation", "silu"),
                   .waves = s.integer("critic-waves"),
                   .context = context,
                   .adam = {.beta1 = s.number("beta1"), .beta2 = s.number("beta2")}};
  const double gamma = s.number("gamma");
  if (s.is("variant", "r3gan")) out.real_penalty = out.fake_penalty = gamma;
  if (s.is("variant", "non-saturating")) out.game = Game::non_saturating, out.real_penalty = gamma;
  if (s.is("variant", "pacgan"))
    out.game = Game::non_saturating, out.real_penalty = out.fake_penalty = gamma, out.pack = s.integer("pack");
  if (s.is("variant", "least-squares")) out.game = Game::least_squares, out.real_penalty = gamma;
  if (s.is("variant", "wgan-gp")) out.game = Game::wasserstein, out.slope_penalty = s.number("lambda");
  if (s.is("variant", "hinge")) out.game = Game::hinge, out.spectral_norm = true;
  return out;
}

DriftSettings drift_settings(const Settings& s) {
  const double h = s.number("bandwidth");
  return {.kernel = s.is("kernel", "laplace") ? DriftKernel::laplace : DriftKernel::gaussian,
          .bandwidths = {h, h / 4, h / 10},
          .balanced = s.is("drift", "balanced"),
          .context_scale = s.number("context-scale")};
}

std::unique_ptr<Objective> make_objective(const Settings& s, const Transform& generator, int64_t context, Rng& rng) {
  const TwoSampleOptions options{.epsilon = s.number("epsilon"), .context_scale = s.number("context-scale")};
  const std::pair<const char*, TwoSample> distances[] = {{"mmd", TwoSample::mmd},
                                                         {"energy", TwoSample::energy},
                                                         {"sliced", TwoSample::sliced},
                                                         {"sinkhorn", TwoSample::sinkhorn}};
  for (auto [name, distance] : distances)
    if (s.is("variant", name)) return std::make_unique<TwoSampleLoss>(generator, distance, options);
  if (s.is("variant", "drifting")) return std::make_unique<DriftingLoss>(generator, drift_settings(s));
  return std::make_unique<AdversarialGame>(generator, game_settings(s, context), rng);
}

}  // namespace

Family gan_family() {
  return {
      .name = "gan",
      .title = "generative adversarial network",
      .map = "x = G(z): one network, shaped by a critic that learns to tell its samples from data",
      .density = "none",
      .settings =
          {choice("variant",
                  {"r3gan", "non-saturating", "least-squares", "wgan-gp", "hinge", "pacgan", "mmd", "energy", "sliced",
                   "sinkhorn", "drifting"},
                  "the game, or what takes its place: a distance between samples, or a drift"),
           integer("latent", 2, "coordinates of the noise", 1, 4096),
           integer("hidden", 64, "width of the generator's hidden layers"),
           integer("depth", 3, "hidden layers of the generator", 1, 16),
           choice("activation", {"silu", "relu"}, "activation of the generator's layers"),
           integer("critic-hidden", 64, "width of the critic's three hidden layers"),
           integer("critic-steps", 1, "steps of the critic for each of the generator", 1, 100),
           number("gamma", 0.1,
                  "weight of the critic's squared slope at data (R1) and, for r3gan and pacgan, samples (R2)"),
           number("lambda", 0.1, "weight of WGAN-GP's penalty"),
           number("gamma-left", 1, "the part of gamma that is left at the end of training", 1e-6, 1),
           integer("pack", 2, "points that the critic of pacgan sees together", 1, 64),
           choice("critic-activation", {"leaky-relu", "silu"}, "activation of the critic's layers"),
           integer("critic-waves", 0,
                   "sines and cosines of each coordinate that the critic is shown, each of twice the frequency", 0, 16),
           number("beta1", 0.5, "Adam's memory of the mean gradient, for both players", 0, 0.999),
           number("beta2", 0.9, "Adam's memory of the mean square, for both players", 0, 0.9999),
           number("epsilon", 0.2, "weight of the entropy in sinkhorn, in units of squared distance", 1e-4, 1e4),
           choice("drift", {"balanced", "plain"}, "weights of drifting: Algorithm 2, or two mean shifts"),
           choice("kernel", {"laplace", "gaussian"}, "of drifting"),
           number("bandwidth", 0.4, "of drifting: the largest of three, in the proportions 10 : 2.5 : 1", 1e-3, 1e3),
           number("context-scale", 2, "without a critic: how much a condition counts beside coordinates", 1e-3, 1e3)},
      .image_settings = {"latent=64", "hidden=512", "critic-hidden=256"},
      .defaults =
          [](const Settings& s, const DataSummary& data) {
            // A step of sinkhorn solves three transport problems.
            if (s.is("variant", "sinkhorn") && !data.image)
              return TrainingDefaults{.steps = 2000, .batch = 256, .rate = 1e-3};
            return data.image ? TrainingDefaults{.steps = 3000, .batch = 64, .rate = 2e-4}
                              : TrainingDefaults{.steps = 4000, .batch = 256, .rate = 1e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            auto model = std::make_unique<Generator>(data.width, s.integer("latent"), s.integer("hidden"),
                                                     s.integer("depth"), rng, data.context,
                                                     s.is("activation", "relu") ? Activation::relu : Activation::silu);
            auto objective = make_objective(s, *model, data.context, rng);
            return Built{std::move(model), std::move(objective)};
          },
      .test_variants = {{"variant=r3gan", "hidden=16", "critic-hidden=16"},
                        {"variant=non-saturating", "hidden=16", "critic-hidden=16"},
                        {"variant=least-squares", "hidden=16", "critic-hidden=16"},
                        {"variant=wgan-gp", "hidden=16", "critic-hidden=16"},
                        {"variant=hinge", "hidden=16", "critic-hidden=16"},
                        {"variant=pacgan", "hidden=16", "critic-hidden=16"},
                        {"variant=mmd", "hidden=16"},
                        {"variant=energy", "hidden=16"},
                        {"variant=sliced", "hidden=16"},
                        {"variant=sinkhorn", "hidden=16", "epsilon=1"},
                        {"variant=drifting", "hidden=16"}},
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
