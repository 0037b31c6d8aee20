#include "models/family.h"
#include "models/vae/evidence_bound.h"
#include "models/vae/quantised_vae.h"

namespace pf {
namespace {

PriorKind prior_of(const Settings& s) {
  if (s.is("prior", "mixture")) return PriorKind::mixture;
  if (s.is("prior", "vamp")) return PriorKind::vamp;
  if (s.is("prior", "flow")) return PriorKind::flow;
  if (s.is("prior", "normal")) return PriorKind::normal;
  const std::string& word = s.word("prior");
  for (const char* no_family : {"normal:", "mixture:", "vamp:"})
    if (word.starts_with(no_family))
      throw UsageError(join("vae: prior=", word, ": only families have variants, as in flow:maf"));
  return PriorKind::family;
}

Likelihood likelihood_of(const Settings& s) {
  if (s.is("likelihood", "bernoulli")) return Likelihood::bernoulli;
  if (s.is("likelihood", "categorical")) return Likelihood::categorical;
  if (s.is("likelihood", "logistic")) return Likelihood::logistic;
  return Likelihood::gaussian;
}

PosteriorKind posterior_of(const Settings& s) {
  if (s.is("posterior", "full")) return PosteriorKind::full;
  if (s.is("posterior", "planar")) return PosteriorKind::planar;
  if (s.is("posterior", "iaf")) return PosteriorKind::iaf;
  return PosteriorKind::diagonal;
}

DataKind data_of(const Settings& s) {
  switch (likelihood_of(s)) {
    case Likelihood::gaussian:
      return DataKind::real;
    case Likelihood::bernoulli:
      return DataKind::binary;
    default:
      return DataKind::integers;
  }
}

bool quantised(const Settings& s) { return s.is("variant", "vq") || s.is("variant", "fsq"); }

Built build_quantised(const Settings& s, const DataSummary& data, Rng& rng) {
  const QuantisedVaeSettings settings{
      .likelihood = likelihood_of(s),
      .data_levels = data.levels,
      .codes = s.integer("codes"),
      .quantiser = {.finite_scalar = s.is("variant", "fsq"),
                    .width = s.integer("code-width"),
                    .entries = s.integer("entries"),
                    .levels = s.integer("fsq-levels"),
                    .decay = s.number("codebook-decay")},
      .hidden = s.integer("hidden"),
      .depth = s.integer("depth"),
      .prior = s.is("code-prior", "transformer") ? NetworkKind::transformer : NetworkKind::made,
      .context = data.context};
  auto model = std::make_unique<QuantisedVae>(data.width, settings, rng);
  auto objective = std::make_unique<QuantisedBound>(*model, s.number("commitment"));
  return {std::move(model), std::move(objective)};
}

Built build(const Settings& s, const DataSummary& data, Rng& rng) {
  if (quantised(s)) return build_quantised(s, data, rng);
  const int64_t levels = s.is("variant", "hierarchical") ? s.integer("levels") : 1;
  const int64_t code_width = s.integer("latent") * levels;
  const VaeSettings settings{.likelihood = likelihood_of(s),
                             .data_levels = data.levels,
                             .latent = s.integer("latent"),
                             .levels = levels,
                             .hidden = s.integer("hidden"),
                             .depth = s.integer("depth"),
                             .waves = s.integer("waves"),
                             .importance_samples = s.integer("importance-samples"),
                             .prior = prior_of(s),
                             .components = s.integer("components"),
                             .flow = {.layers = s.integer("layers"), .hidden = s.integer("flow-hidden"), .bound = 4},
                             .prior_family = family_on_codes(s.word("prior"), s.word("flow-hidden"), code_width),
                             .posterior = posterior_of(s),
                             .posterior_layers = s.integer("posterior-layers"),
                             .context = data.context};
  auto model = std::make_unique<Vae>(data.width, settings, rng);
  const BoundSettings bound{.beta = s.number("beta"),
                            .free_bits = s.number("free-bits"),
                            .warm_up = s.number("warm-up"),
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
      .density = "a lower bound (IWAE-K; of vq and fsq the share of one code, or the sum over all where they are few)",
      .settings =
          {choice("variant", {"plain", "hierarchical", "vq", "fsq"},
                  "a code of real numbers, several levels of them, or whole numbers from a codebook or by rounding"),
           choice("likelihood", {"gaussian", "bernoulli", "categorical", "logistic"},
                  "of x given the code: of real numbers, of 0 and 1, of whole numbers the last two"),
           with_variants(choice("prior",
                                {"normal", "mixture", "vamp", "flow", "autoregressive", "diffusion", "flow-matching",
                                 "gan", "vae", "autoencoder"},
                                "of the code; all but the first are learned: flow is a small spline flow, from there "
                                "on any family; those "
                                "without an exact density are fitted to the codes apart from the bound")),
           choice("posterior", {"diagonal", "full", "planar", "iaf"},
                  "of the code given x: normal, or a flow behind a diagonal one"),
           integer("latent", 2, "coordinates of the code, or of one level's", 1, 4096),
           integer("levels", 2, "of codes, for hierarchical", 2, 16),
           integer("hidden", 128, "width of the hidden layers"),
           integer("depth", 2, "hidden layers of encoder and decoder", 1, 16),
           integer("waves", 5,
                   "periods of the sines and cosines that the encoder sees beside x and the decoder beside a code of "
                   "real numbers",
                   0, 12),
           integer("components", 16, "of a mixture prior; pseudo-inputs of a vamp prior", 2, 10000),
           integer("layers", 4, "couplings of a flow prior"),
           integer("flow-hidden", 64, "width of the two hidden layers of a flow's layer"),
           integer("posterior-layers", 4, "of a flow posterior", 1, 1000),
           number("beta", 1, "weight of the KL term in training; 1 is the bound itself", 0, 1000),
           number("warm-up", 0.5, "part of the training in which that weight rises, from a tenth of it", 0, 1),
           number("free-bits", 0, "nats a coordinate of the code may say for free in training", 0, 1000),
           integer("train-samples", 1, "importance samples of the training bound; above 1 it is IWAE", 1, 1000),
           choice("gradient", {"plain", "dreg"}, "estimate of the encoder's; dreg has less noise for IWAE"),
           of_sampling(integer("importance-samples", 64, "importance samples of the reported bound", 1, 100000)),
           integer("codes", 2, "of a point, for vq and fsq", 1, 4096),
           integer("code-width", 3, "numbers of the vector behind a code", 1, 1024),
           integer("entries", 64, "of vq's codebook", 2, 65536),
           integer("fsq-levels", 4, "of each number of fsq's vectors", 2, 512),
           number("commitment", 0.25, "weight of the distance from vectors to their codes, for vq", 0, 1000),
           number("codebook-decay", 0.99, "of the averages that the codebook follows", 0, 0.999999),
           choice("code-prior", {"made", "transformer"}, "the autoregressive network that models the codes")},
      .image_settings = {"hidden=512", "latent=16", "waves=0", "warm-up=0"},
      .defaults =
          [](const Settings& s, const DataSummary& data) {
            const double rate = quantised(s) ? 8e-3 : 4e-3;
            return data.image ? TrainingDefaults{.steps = 2500, .batch = 128, .rate = 3e-3}
                              : TrainingDefaults{.steps = 7000, .batch = 256, .rate = rate};
          },
      .build = build,
      .test_variants = {{"likelihood=gaussian", "hidden=16", "waves=0", "warm-up=0"},
                        {"prior=normal", "hidden=16", "waves=2"},
                        {"likelihood=bernoulli", "hidden=16", "latent=3", "waves=0", "warm-up=0"},
                        {"prior=mixture", "components=3", "hidden=16", "free-bits=0.1", "waves=0", "warm-up=0"},
                        {"prior=vamp", "components=4", "hidden=16", "posterior=full", "waves=0", "warm-up=0"},
                        {"prior=flow", "layers=2", "flow-hidden=16", "hidden=16", "waves=0", "warm-up=0"},
                        {"prior=flow:maf", "flow-hidden=16", "hidden=16", "train-samples=2", "waves=0", "warm-up=0"},
                        {"prior=gan", "flow-hidden=16", "hidden=16", "waves=0", "warm-up=0"},
                        {"posterior=full", "hidden=16", "free-bits=0.2", "latent=3", "waves=0", "warm-up=0"},
                        {"gradient=dreg", "train-samples=3", "hidden=16", "waves=0", "warm-up=0"},
                        {"likelihood=categorical", "hidden=16", "latent=3", "waves=0", "warm-up=0"},
                        {"likelihood=logistic", "hidden=16", "posterior=full", "waves=0", "warm-up=0"},
                        {"posterior=planar", "hidden=16", "posterior-layers=3", "waves=0", "warm-up=0"},
                        {"posterior=iaf", "hidden=16", "posterior-layers=2", "flow-hidden=8", "train-samples=2",
                         "waves=0", "warm-up=0"},
                        {"variant=hierarchical", "hidden=16", "levels=2", "waves=0", "warm-up=0"},
                        {"variant=vq", "hidden=16", "entries=8", "code-width=3"},
                        {"variant=fsq", "hidden=16", "code-width=2", "likelihood=logistic"}},
      .data_kind = data_of,
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
