#include "models/family.h"
#include "models/flow/autoregressive.h"
#include "models/flow/continuous.h"
#include "models/flow/coupling.h"
#include "models/flow/glow.h"
#include "models/flow/logit.h"
#include "models/flow/planar.h"
#include "models/flow/residual.h"
#include "models/flow/stack.h"

namespace pf {
namespace {

int64_t layers_of(const Settings& s) {
  const int64_t layers = s.integer("layers");
  if (layers > 0) return layers;
  return s.is("variant", "planar") ? 32 : s.is("variant", "residual") ? 10 : 6;
}

std::unique_ptr<Transform> build_coupling(CouplingKind kind, const Settings& s, const DataSummary& data, Rng& rng) {
  const CouplingSettings settings{.kind = kind,
                                  .layers = layers_of(s),
                                  .hidden = s.integer("hidden"),
                                  .bins = s.integer("bins"),
                                  .bound = s.number("bound")};
  return std::make_unique<CouplingFlow>(data.width, settings, rng, data.context);
}

// Every other layer takes the coordinates in reverse.
std::unique_ptr<Transform> build_autoregressive(CouplingKind kind, bool pull_in_one_pass, const Settings& s,
                                                const DataSummary& data, Rng& rng) {
  const AutoregressiveFlowSettings settings{.map = {kind, s.integer("bins"), s.number("bound")},
                                            .hidden = s.integer("hidden"),
                                            .pull_in_one_pass = pull_in_one_pass};
  std::vector<std::unique_ptr<FlowLayer>> layers;
  for (int64_t i = 0; i < layers_of(s); ++i)
    layers.push_back(std::make_unique<AutoregressiveLayer>(data.width, settings, i % 2 == 1, rng, data.context));
  const int64_t steps = int64_t(layers.size()) * (pull_in_one_pass ? data.width : 1);
  return std::make_unique<FlowStack>(data.width, std::move(layers), steps, 1e-9, data.context);
}

// A step is the paper's three layers.
std::unique_ptr<Transform> build_glow(const Settings& s, const DataSummary& data, Rng& rng) {
  const ElementwiseMap map{CouplingKind::affine};
  std::vector<std::unique_ptr<FlowLayer>> layers;
  for (int64_t i = 0; i < layers_of(s); ++i) {
    layers.push_back(std::make_unique<ActNorm>(data.width));
    layers.push_back(std::make_unique<LuLinear>(data.width, rng));
    layers.push_back(std::make_unique<CouplingLayer>(data.width, map, s.integer("hidden"), rng, data.context));
  }
  return std::make_unique<FlowStack>(data.width, std::move(layers), layers_of(s), 1e-9, data.context);
}

std::unique_ptr<Transform> build_planar(const Settings& s, const DataSummary& data, Rng& rng) {
  std::vector<std::unique_ptr<FlowLayer>> layers;
  for (int64_t i = 0; i < layers_of(s); ++i)
    layers.push_back(std::make_unique<PlanarLayer>(data.width, rng, data.context, s.integer("hidden")));
  return std::make_unique<FlowStack>(data.width, std::move(layers), layers_of(s), 1e-9, data.context);
}

std::unique_ptr<Transform> build_residual(const Settings& s, const DataSummary& data, Rng& rng) {
  std::vector<std::unique_ptr<FlowLayer>> layers;
  for (int64_t i = 0; i < layers_of(s); ++i)
    layers.push_back(std::make_unique<ResidualLayer>(data.width, s.integer("hidden"), rng, data.context));
  return std::make_unique<FlowStack>(data.width, std::move(layers), layers_of(s), 1e-9, data.context);
}

Built build_continuous(const Settings& s, const DataSummary& data, Rng& rng) {
  const ContinuousSettings settings{.hidden = s.integer("hidden"),
                                    .depth = s.integer("depth"),
                                    .waves = s.integer("waves"),
                                    .training = {.method = OdeMethod::rk4, .steps = s.integer("solver-steps")},
                                    .solver = {.method = OdeMethod::dopri5, .tolerance = s.number("tolerance")},
                                    .energy = s.number("energy"),
                                    .checkpointed = s.is("gradient", "checkpointed"),
                                    .exact_up_to = s.is("divergence", "exact")        ? data.width
                                                   : s.is("divergence", "hutchinson") ? 0
                                                                                      : 16,
                                    .context = data.context};
  auto flow = std::make_unique<ContinuousFlow>(data.width, settings, rng);
  auto objective = std::make_unique<ContinuousLikelihood>(*flow);
  return {std::move(flow), std::move(objective)};
}

Built with_likelihood(std::unique_ptr<Transform> flow) {
  auto objective = std::make_unique<MaximumLikelihood>(*flow);
  return {std::move(flow), std::move(objective)};
}

Built build_variant(const Settings& s, const DataSummary& data, Rng& rng) {
  const std::string& variant = s.word("variant");
  if (variant == "spline") return with_likelihood(build_coupling(CouplingKind::spline, s, data, rng));
  if (variant == "realnvp") return with_likelihood(build_coupling(CouplingKind::affine, s, data, rng));
  if (variant == "spline-ar") return with_likelihood(build_autoregressive(CouplingKind::spline, true, s, data, rng));
  if (variant == "maf") return with_likelihood(build_autoregressive(CouplingKind::affine, true, s, data, rng));
  if (variant == "glow") return with_likelihood(build_glow(s, data, rng));
  if (variant == "planar") return with_likelihood(build_planar(s, data, rng));
  if (variant == "residual") return with_likelihood(build_residual(s, data, rng));
  if (variant == "cnf") return build_continuous(s, data, rng);
  check(data.width <= 64, "flow: iaf on data with ", data.width,
        " columns: its density takes as many passes for each layer; use ", "variant=maf, or 64 columns at most");
  return with_likelihood(build_autoregressive(CouplingKind::affine, false, s, data, rng));
}

Built build(const Settings& s, const DataSummary& data, Rng& rng) {
  Built flow = build_variant(s, data, rng);
  if (!s.is("preprocess", "logit")) return flow;
  if (data.levels == 0)
    throw UsageError("flow: preprocess=logit takes data of known ends, such as images; these are any real numbers");
  auto outer = std::make_unique<LogitMap>(data.width, s.number("margin"));
  auto objective = std::make_unique<Preprocessed>(*outer, std::move(flow.objective));
  return {std::make_unique<Composed>(std::move(flow.transform), std::move(outer)), std::move(objective)};
}

}  // namespace

Family flow_family() {
  return {
      .name = "flow",
      .title = "normalizing flow",
      .map = "x = f(z): a stack of invertible layers, each with a Jacobian whose determinant is cheap",
      .density = "exact, by change of variables; of cnf, by its ODE",
      .settings = {choice(
                       "variant", {"spline", "realnvp", "glow", "spline-ar", "maf", "iaf", "planar", "residual", "cnf"},
                       "couplings (spline, realnvp, glow), autoregressive layers (spline-ar, maf, iaf), layers with a "
                       "full Jacobian (planar, residual), an ODE (cnf)"),
                   integer("layers", 0, "layers; 0 is 6, of residual 10, of planar 32", 0),
                   integer("hidden", 64, "width of each layer's two hidden layers"),
                   integer("bins", 32, "bins of a spline", 2, 64),
                   number("bound", 4, "a spline acts on (-bound, bound) of the normalised data", 0.1, 100),
                   integer("depth", 3, "hidden layers of cnf's field", 1, 16),
                   integer("waves", 2,
                           "sines and cosines of each coordinate that cnf's field sees: of periods 8, 4, 2 …", 0, 8),
                   integer("solver-steps", 8, "steps of the Runge-Kutta method that trains cnf", 1, 1000),
                   number("energy", 0.01, "weight of the path energy in the loss of cnf", 0, 10),
                   of_sampling(number("tolerance", 1e-5, "of dopri5, which evaluates cnf", 1e-12, 1)),
                   choice(
                       "divergence", {"auto", "exact", "hutchinson"},
                       "of cnf's field, in training and density: its trace, or an estimate from one random direction; "
                       "auto: exact up to 16 columns"),
                   choice("gradient", {"stored", "checkpointed"},
                          "what training cnf keeps: every state of the solver, or one a step, the rest computed again"),
                   choice("preprocess", {"affine", "logit"},
                          "images as pixels from -1 to 1, or as logits of them, with the log-determinant"),
                   number("margin", 0.05,
                          "how far logit keeps the darkest and brightest pixels from the ends of (0, 1)", 1e-4, 0.49)},
      .image_settings = {"layers=4", "hidden=128", "bins=8", "bound=4", "depth=2", "waves=0", "solver-steps=4"},
      .defaults =
          [](const Settings& s, const DataSummary& data) {
            const std::string& variant = s.word("variant");
            if (data.image)
              return TrainingDefaults{.steps = variant == "cnf" || variant == "spline-ar" ? 600 : 2000, .batch = 128};
            if (variant == "cnf") return TrainingDefaults{.steps = 3000, .batch = 128, .rate = 5e-3};
            if (variant == "residual") return TrainingDefaults{.steps = 2000, .batch = 128, .rate = 3e-3};
            if (variant == "planar") return TrainingDefaults{.steps = 4000, .batch = 128, .rate = 8e-3};
            return TrainingDefaults{.steps = 6000, .batch = 128, .rate = 3e-3};
          },
      .build = build,
      .test_variants = {{"variant=spline", "layers=3", "hidden=16", "bins=8", "bound=4"},
                        {"variant=realnvp", "layers=4", "hidden=16"},
                        {"variant=spline-ar", "layers=2", "hidden=16", "bins=8", "bound=4"},
                        {"variant=maf", "layers=3", "hidden=16"},
                        {"variant=iaf", "layers=3", "hidden=16"},
                        {"variant=cnf", "hidden=16", "depth=2", "waves=1", "solver-steps=4"},
                        {"variant=glow", "layers=3", "hidden=16"},
                        {"variant=planar", "layers=16"},
                        {"variant=residual", "layers=3", "hidden=16"}},
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
