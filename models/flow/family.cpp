#include "models/family.h"
#include "models/flow/coupling.h"

namespace pf {

Family flow_family() {
  return {
      .name = "flow",
      .title = "normalizing flow",
      .map = "x = f(z): a stack of invertible couplings, each moving half of the coordinates as the other half says",
      .density = "exact, by change of variables",
      .settings = {choice("variant", {"spline", "realnvp"}, "what a coupling does to a coordinate"),
                   integer("layers", 6, "couplings"),
                   integer("hidden", 64, "width of each conditioner's two hidden layers"),
                   integer("bins", 8, "bins of a spline", 2, 64),
                   number("bound", 4, "a spline acts on (-bound, bound) of the normalised data", 0.1, 100)},
      .image_settings = {"layers=4", "hidden=128"},
      .defaults =
          [](const Settings&, const DataSummary& data) {
            return data.image ? TrainingDefaults{.steps = 2000, .batch = 128}
                              : TrainingDefaults{.steps = 6000, .batch = 128, .rate = 3e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            auto flow = std::make_unique<CouplingFlow>(
                data.width,
                CouplingSettings{.kind = s.is("variant", "spline") ? CouplingKind::spline : CouplingKind::affine,
                                 .layers = s.integer("layers"),
                                 .hidden = s.integer("hidden"),
                                 .bins = s.integer("bins"),
                                 .bound = s.number("bound")},
                rng);
            auto objective = std::make_unique<MaximumLikelihood>(*flow);
            return Built{std::move(flow), std::move(objective)};
          },
      .test_variants = {{"variant=spline", "layers=3", "hidden=16"}, {"variant=realnvp", "layers=4", "hidden=16"}},
  };
}

}  // namespace pf
