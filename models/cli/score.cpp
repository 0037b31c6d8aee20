#include <cmath>
#include <iostream>

#include "models/cli/command.h"
#include "models/cli/input.h"
#include "models/cli/output.h"
#include "models/density.h"
#include "models/train.h"
#include "tensor/npy.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/reduce.h"

namespace pf::cli {
namespace {

struct Options {
  std::string folder, data, out, density;
  std::vector<std::string> settings;
  int64_t limit = 0;
  DensityOptions options;
  uint64_t seed = 0;
  bool json = false;
};

/// Annealed importance sampling of one row takes thousands of evaluations.
constexpr int64_t annealed_rows = 100;

void run(const Options& o) {
  const Model model = load_model(o.folder, o.settings);
  const DensityKind kind = parse_density_kind(model, o.density);
  const Dataset data = data_for(model.config(), o.data);
  const int64_t limit = o.limit > 0 ? o.limit : kind == DensityKind::ais ? annealed_rows : data.test.size(0);
  const int64_t count = std::min(limit, data.test.size(0));
  const Tensor rows = slice(data.test, 0, 0, count), context = context_for(data.test_context, count);
  Rng rng = Rng(o.seed).child(3);
  const LogDensity density = log_density(model, kind, rows, rng, o.options, context);
  const Tensor nll = -density.value;
  if (!o.out.empty()) write_npy(o.out, nll);
  const double value = mean(nll).item(), error = std::sqrt(var(nll).item() / double(nll.numel()));
  const double bits = value / (double(model.config().width) * std::log(2.0));
  if (o.json) {
    std::cout << json_line({{"family", model.config().family},
                            {"data", data.name},
                            {"rows", rows.size(0)},
                            {"nll", value},
                            {"standard_error", error},
                            {"bits_per_dimension", bits},
                            {"kind", name_of(density.kind)},
                            {"note", density.note},
                            {"entropy", data.entropy.value_or(NAN)}})
              << '\n';
    return;
  }
  std::cout << "NLL " << with_error(value, error) << " nats a sample (" << name_of(density.kind) << ": " << density.note
            << "), " << brief(bits) << " bits per dimension, " << rows.size(0) << " test rows of " << data.name;
  if (data.entropy) std::cout << "; their entropy is " << brief(*data.entropy);
  std::cout << '\n';
  if (!o.out.empty()) std::cout << "one number a row in " << o.out << '\n';
}

}  // namespace

void add_score(Program& program) {
  auto o = std::make_shared<Options>();
  Command command = program.add("score", "negative log-likelihood of data, in nats on their own scale");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("--data", &o->data, "data set whose test rows are scored; by default the one trained on");
  command.option("--out", &o->out, "NPY file for one NLL a row");
  command.option(
      "--density", &o->density,
      "exact, ode, bound, injective (on the map's image) or ais (annealed importance sampling); by default the "
      "family's own");
  command.option("--noise", &o->options.noise,
                 "ais: deviation of noise around the map, in deviations of the data; a VAE has its own",
                 {.least = 1e-6});
  command.option("--chains", &o->options.annealing.chains, "ais: chains for each row", {.least = 1});
  command.option("--distributions", &o->options.annealing.distributions, "ais: from prior to posterior", {.least = 1});
  command.option("--limit", &o->limit, "score only the first so many rows; ais: 100 by default", {.least = 0});
  command.option("--seed", &o->seed, "of estimates");
  add_settings(command, o->settings);
  command.flag("--json", o->json, "print one JSON object");
  command.machine();
  command.action([o] { run(*o); });
}

}  // namespace pf::cli
