#include "models/family.h"
#include "models/vae/evidence_bound.h"

namespace pf {
namespace {

PriorKind prior_of(const Settings& s) {
  if (s.is("prior", "mixture")) return PriorKind::mixture;
  if (s.is("prior", "vamp")) return PriorKind::vamp;
  if (s.is("prior", "flow")) return PriorKind::flow;
  return PriorKind::normal;
}

Built build(const Settings& s, const DataSummary& data, Rng& rng) {
  const VaeSettings settings{
      .likelihood = s.is("likelihood", "gaussian") ? Likelihood::gaussian : Likelihood::bernoulli,
      .latent = s.integer("latent"),
      .hidden = s.integer("hidden"),
      .depth = s.integer("depth"),
      .importance_samples = s.integer("importance-samples"),
      .prior = prior_of(s),
      .components = s.integer("components"),
      .flow = {.layers = s.integer("layers"), .hidden = s.integer("flow-hidden"), .bound = 4},
      .full_posterior = s.is("posterior", "full"),
      .context = data.context};
  auto model = std::make_unique<Vae>(data.width, settings, rng);
  const BoundSettings bound{.beta = s.number("beta"),
                            .free_bits = s.number("free-bits"),
                            .samples = s.integer("train-samples"),
                            .doubly_reparameterized = s.is("gradient", "dreg")};
  auto objective = std::make_unique<EvidenceBound>(*model, bound);
  return {std::move(model), std::move(objective)};
}

}  // namespace

Family vae_family() {
  return {
      .name = "vae",
      .title = "variational autoencoder",
      .map = "x = decoder(z) + noise: the code and the observation noise are both coordinates of the base",
      .density = "a lower bound (IWAE-K)",
      .settings = {choice("likelihood", {"gaussian", "bernoulli"}, "of x given the code"),
                   choice("prior", {"normal", "mixture", "vamp", "flow"}, "of the code; all but the first are learned"),
                   choice("posterior", {"diagonal", "full"}, "covariance of the code given x"),
                   integer("latent", 2, "coordinates of the code", 1, 4096),
                   integer("hidden", 128, "width of the hidden layers"),
                   integer("depth", 2, "hidden layers of encoder and decoder", 1, 16),
                   integer("components", 16, "of a mixture prior; pseudo-inputs of a vamp prior", 2, 10000),
                   integer("layers", 4, "couplings of a flow prior"),
                   integer("flow-hidden", 64, "width of each coupling's two hidden layers"),
                   number("beta", 1, "weight of the KL term in training; 1 is the bound itself", 0, 1000),
                   number("free-bits", 0, "nats a coordinate of the code may say for free in training", 0, 1000),
                   integer("train-samples", 1, "importance samples of the training bound; above 1 it is IWAE", 1, 1000),
                   choice("gradient", {"plain", "dreg"}, "estimate of the encoder's; dreg has less noise for IWAE"),
                   integer("importance-samples", 64, "importance samples of the reported bound", 1, 100000)},
      .image_settings = {"hidden=512", "latent=16"},
      .defaults =
          [](const Settings&, const DataSummary& data) {
            return data.image ? TrainingDefaults{.steps = 5000, .batch = 128}
                              : TrainingDefaults{.steps = 7000, .batch = 256, .rate = 8e-3};
          },
      .build = build,
      .test_variants = {{"likelihood=gaussian", "hidden=16"},
                        {"likelihood=bernoulli", "hidden=16", "latent=3"},
                        {"prior=mixture", "components=3", "hidden=16", "free-bits=0.1"},
                        {"prior=vamp", "components=4", "hidden=16", "posterior=full"},
                        {"prior=flow", "layers=2", "flow-hidden=16", "hidden=16"},
                        {"posterior=full", "hidden=16", "free-bits=0.2", "latent=3"},
                        {"gradient=dreg", "train-samples=3", "hidden=16"}},
      .data_kind =
          [](const Settings& s) { return s.is("likelihood", "bernoulli") ? DataKind::binary : DataKind::real; },
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
