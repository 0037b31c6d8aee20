#include "models/family.h"
#include "models/autoregressive/autoregressive.h"

namespace pf {
namespace {

Conditional conditional_of(const Settings& s) {
  return s.is("variant", "bernoulli")              ? Conditional::bernoulli
         : s.is("variant", "logistic-mixture")     ? Conditional::logistic_mixture
         : s.is("variant", "categorical")          ? Conditional::categorical
         : s.is("variant", "discretised-logistic") ? Conditional::discretised_logistic
                                                   : Conditional::normal_mixture;
}

DataKind data_kind_of(const Settings& s) {
  switch (conditional_of(s)) {
    case Conditional::bernoulli:
      return DataKind::binary;
    case Conditional::categorical:
    case Conditional::discretised_logistic:
      return DataKind::integers;
    default:
      return DataKind::real;
  }
}

}  // namespace

Family autoregressive_family() {
  return {
      .name = "autoregressive",
      .title = "autoregressive model",
      .map = "x_i = quantile of u_i under p(x_i | x_1 .. x_(i-1)), one coordinate after the other",
      .density = "exact: the product of the conditionals, in one pass",
      .settings = {choice(
                       "variant",
                       {"gaussian-mixture", "logistic-mixture", "bernoulli", "categorical", "discretised-logistic"},
                       "each coordinate given those before it; bernoulli: data in [0, 1] as probabilities of 0 or 1; "
                       "categorical, discretised-logistic: whole numbers"),
                   integer("components", 24, "components of a mixture", 1, 1000),
                   choice("network", {"made", "transformer"},
                          "masked perceptron, or causal transformer with a token for each coordinate"),
                   integer("hidden", 64, "width of the hidden layers, or of the transformer"),
                   integer("depth", 2, "hidden layers, or blocks of the transformer", 1, 16),
                   integer("heads", 4, "attention heads of the transformer; they divide its width", 1, 1024),
                   choice("ordering", {"natural", "reversed", "random"}, "which coordinate comes first"),
                   of_sampling(choice("schedule", {"sequential", "jacobi"},
                                      "of sampling: coordinate by coordinate, or all at once until nothing changes"))},
      .image_settings = {"variant=bernoulli", "hidden=512"},
      .defaults =
          [](const Settings& s, const DataSummary& data) {
            // Half a second a step for 16 images of 784 tokens; a table's step takes a few milliseconds.
            if (s.is("network", "transformer"))
              return data.width > 64 ? TrainingDefaults{.steps = 600, .batch = 16, .rate = 1e-3}
                                     : TrainingDefaults{.steps = 3000, .batch = 128, .rate = 2e-3};
            return data.image ? TrainingDefaults{.steps = 2000, .batch = 128, .rate = 2e-3}
                              : TrainingDefaults{.steps = 7000, .batch = 128, .rate = 5e-3};
          },
      .build =
          [](const Settings& s, const DataSummary& data, Rng& rng) {
            auto model = std::make_unique<Autoregressive>(
                data.width,
                AutoregressiveSettings{
                    .conditional = conditional_of(s),
                    .components = s.integer("components"),
                    .levels = data.levels,
                    .context = data.context,
                    .network = s.is("network", "transformer") ? NetworkKind::transformer : NetworkKind::made,
                    .hidden = s.integer("hidden"),
                    .depth = s.integer("depth"),
                    .heads = s.integer("heads"),
                    .ordering = s.is("ordering", "natural")    ? Ordering::natural
                                : s.is("ordering", "reversed") ? Ordering::reversed
                                                               : Ordering::random,
                    .schedule = s.is("schedule", "jacobi") ? SamplingSchedule::jacobi : SamplingSchedule::sequential},
                rng);
            auto objective = std::make_unique<ConditionalLikelihood>(*model);
            return Built{std::move(model), std::move(objective)};
          },
      .test_variants = {{"variant=gaussian-mixture", "components=4", "hidden=16"},
                        {"variant=logistic-mixture", "components=3", "hidden=16", "ordering=random", "schedule=jacobi"},
                        {"variant=bernoulli", "hidden=16", "ordering=reversed"},
                        {"variant=categorical", "hidden=16", "ordering=random"},
                        {"variant=discretised-logistic", "components=3", "network=transformer", "hidden=8", "heads=2",
                         "schedule=jacobi"},
                        {"network=transformer", "components=3", "hidden=8", "heads=2"}},
      .data_kind = data_kind_of,
      .conditional = [](const Settings&) { return true; },
  };
}

}  // namespace pf
