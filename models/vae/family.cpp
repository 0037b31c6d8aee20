#include "models/family.h"
#include "models/vae/vae.h"

namespace pf {

Family vae_family() {
  return {
      .name = "vae",
      .title = "variational autoencoder",
      .map = "x = decoder(z) + noise: the code and the observation noise are both coordinates of the base",
      .density = "a lower bound (IWAE-K)",
      .settings = {choice("likelihood", {"gaussian", "bernoulli"}, "of x given the code"),
                   integer("latent", 2, "coordinates of the code", 1, 4096),
                   integer("hidden", 128, "width of the hidden layers"),
                   integer("depth", 2, "hidden layers of encoder and decoder", 1, 16),
                   number("beta", 1, "weight of the KL term in training; 1 is the bound itself", 0, 1000),
                   integer("train-samples", 1, "importance samples of the training bound; above 1 it is IWAE", 1, 1000),
                   integer("importance-samples", 64, "importance samples of the reported bound", 1, 100000)},
      .image_settings = {"hidden=512", "latent=16"},
      .defaults =
          [](const Settings&, const DataSummary& data) {
            return data.image ? TrainingDefaults{.steps = 5000, .batch = 128}
                              : TrainingDefaults{.steps = 8000, .batch = 256, .rate = 8e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            auto model = std::make_unique<Vae>(
                data.width,
                VaeSettings{.likelihood = s.is("likelihood", "gaussian") ? Likelihood::gaussian : Likelihood::bernoulli,
                            .latent = s.integer("latent"),
                            .hidden = s.integer("hidden"),
                            .depth = s.integer("depth"),
                            .importance_samples = s.integer("importance-samples")},
                rng);
            auto objective = std::make_unique<EvidenceBound>(*model, s.number("beta"), s.integer("train-samples"));
            return Built{std::move(model), std::move(objective)};
          },
      .test_variants = {{"likelihood=gaussian", "hidden=16"}, {"likelihood=bernoulli", "hidden=16", "latent=3"}},
      .binary_data = [](const Settings& s) { return s.is("likelihood", "bernoulli"); },
  };
}

}  // namespace pf
