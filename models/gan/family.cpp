#include "models/family.h"
#include "models/gan/game.h"
#include "models/gan/generator.h"
#include "models/gan/two_sample.h"

namespace pf {
namespace {

GameSettings game_settings(const Settings& s) {
  GameSettings out{.critic_steps = s.integer("critic-steps"), .hidden = s.integer("critic-hidden")};
  const double gamma = s.number("gamma");
  if (s.is("variant", "r3gan")) out.real_penalty = out.fake_penalty = gamma;
  if (s.is("variant", "non-saturating")) out.game = Game::non_saturating, out.real_penalty = gamma;
  if (s.is("variant", "pacgan"))
    out.game = Game::non_saturating, out.real_penalty = gamma, out.pack = s.integer("pack");
  if (s.is("variant", "least-squares")) out.game = Game::least_squares, out.real_penalty = gamma;
  if (s.is("variant", "wgan-gp")) out.game = Game::wasserstein, out.slope_penalty = s.number("lambda");
  if (s.is("variant", "hinge")) out.game = Game::hinge, out.spectral_norm = true;
  return out;
}

}  // namespace

Family gan_family() {
  return {
      .name = "gan",
      .title = "generative adversarial network",
      .map = "x = G(z): one network, shaped by a critic that learns to tell its samples from data",
      .density = "none",
      .settings = {choice("variant",
                          {"r3gan", "non-saturating", "least-squares", "wgan-gp", "hinge", "pacgan", "mmd", "energy",
                           "sliced"},
                          "the game, or the distance between samples that takes its place"),
                   integer("latent", 2, "coordinates of the noise", 1, 4096),
                   integer("hidden", 64, "width of the generator's hidden layers"),
                   integer("depth", 3, "hidden layers of the generator", 1, 16),
                   integer("critic-hidden", 64, "width of the critic's three hidden layers"),
                   integer("critic-steps", 1, "steps of the critic for each of the generator", 1, 100),
                   number("gamma", 0.1,
                          "weight of the critic's squared slope at data (R1) and, for r3gan, samples (R2)"),
                   number("lambda", 0.1, "weight of WGAN-GP's penalty"),
                   integer("pack", 2, "points that the critic of pacgan sees together", 1, 64)},
      .image_settings = {"latent=64", "hidden=512", "critic-hidden=256"},
      .defaults =
          [](const Settings&, const DataSummary& data) {
            return data.image ? TrainingDefaults{.steps = 3000, .batch = 64, .rate = 2e-4}
                              : TrainingDefaults{.steps = 4000, .batch = 256, .rate = 1e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            auto model = std::make_unique<Generator>(data.width, s.integer("latent"), s.integer("hidden"),
                                                     s.integer("depth"), rng);
            std::unique_ptr<Objective> objective;
            if (s.is("variant", "mmd")) objective = std::make_unique<TwoSampleLoss>(*model, TwoSample::mmd);
            else if (s.is("variant", "energy")) objective = std::make_unique<TwoSampleLoss>(*model, TwoSample::energy);
            else if (s.is("variant", "sliced")) objective = std::make_unique<TwoSampleLoss>(*model, TwoSample::sliced);
            else objective = std::make_unique<AdversarialGame>(*model, game_settings(s), rng);
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
                        {"variant=sliced", "hidden=16"}},
  };
}

}  // namespace pf
