#include <cmath>
#include <iostream>

#include "models/cli/command.h"
#include "models/cli/output.h"
#include "models/train.h"
#include "nn/data/load.h"
#include "tensor/npy.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/reduce.h"

namespace pf::cli {
namespace {

struct Options {
  std::string folder, data, out;
  int64_t limit = 0;
  uint64_t seed = 0;
  bool json = false;
};

void run(const Options& o) {
  const Model model = load_model(o.folder);
  const Dataset data = load_dataset(o.data.empty() ? model.config().data : o.data, {.seed = model.config().seed});
  Tensor rows = data.test;
  if (o.limit > 0 && rows.size(0) > o.limit) rows = slice(rows, 0, 0, o.limit);
  Rng rng = Rng(o.seed).child(3);
  const LogDensity density = model.log_density(rows, rng);
  const Tensor nll = -density.value;
  if (!o.out.empty()) write_npy(o.out, nll);
  const double value = mean(nll).item(), error = std::sqrt(var(nll).item() / double(nll.numel()));
  const double bits = value / (double(model.config().width) * std::log(2.0));
  if (o.json) {
    std::cout << Json{{"family", model.config().family},
                      {"data", data.name},
                      {"rows", rows.size(0)},
                      {"nll", json_number(value)},
                      {"standard_error", json_number(error)},
                      {"bits_per_dimension", json_number(bits)},
                      {"kind", name_of(density.kind)},
                      {"note", density.note},
                      {"entropy", data.entropy ? json_number(*data.entropy) : nullptr}}
                     .dump()
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
  command.option("--limit", &o->limit, "score only the first so many rows", {.least = 0});
  command.option("--seed", &o->seed, "of estimates");
  command.flag("--json", o->json, "print one JSON object");
  command.threads();
  command.action([o] { run(*o); });
}

}  // namespace pf::cli
