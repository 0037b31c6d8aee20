#include <charconv>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <numbers>

#include "models/cli/input.h"
#include "models/cli/output.h"
#include "models/latent_guidance.h"
#include "models/report/pictures.h"
#include "models/train.h"
#include "tensor/npy.h"
#include "tensor/ops/join.h"

namespace pf::cli {
namespace {

struct Options {
  std::string folder, observe, out;
  double noise = 0.1;
  int64_t count = 1000;
  uint64_t seed = 0;
  GuidanceOptions guidance;
  ConditionOptions condition;
};

/// "0.5,?" → [[0.5, NaN]], or the rows of an NPY file, NaN where nothing is known.
Tensor observations(const std::string& text, int64_t width) {
  if (std::filesystem::path(text).extension() == ".npy") {
    Tensor x = read_npy(text);
    if (x.rank() == 1) x = unsqueeze(x, 0);
    check(x.rank() == 2 && x.size(1) == width && x.size(0) >= 1, text, ": ", x.shape(), ": expected [n, ", width,
          "] with NaN for what is not known");
    for (int64_t i = 0; i < x.size(0); ++i)
      for (int64_t j = 0; j < width; ++j)
        check(!std::isinf(x.at({i, j})), text, ": row ", i, ", column ", j,
              " is infinite: expected numbers, or NaN for ", "what is not known");
    return cast(x, float64);
  }
  std::vector<double> row;
  for (size_t at = 0; at <= text.size();) {
    const size_t stop = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, stop - at);
    double value = NAN;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (part != "?" && (error != std::errc() || end != part.data() + part.size() || !std::isfinite(value)))
      throw UsageError(
          join("--observe ", text, ": '", part,
               "': expected numbers with commas between them and ? for what is not known, such as 0.5,?, or "
               "an NPY file with NaN"));
    row.push_back(part == "?" ? NAN : value);
    at = stop + 1;
  }
  if (int64_t(row.size()) != width)
    throw UsageError(join("--observe ", text, ": ", row.size(), " numbers for data of ", width,
                          " columns; ? stands for ", "what is not known"));
  return tensor(row, {1, width}, float64);
}

void run(const Options& o) {
  const std::string ending = std::filesystem::path(o.out).extension();
  if (ending != ".npy" && ending != ".png")
    throw UsageError(join("--out ", o.out, ": expected a name that ends in .npy or .png"));
  const Model model = load_model(o.folder);
  const Tensor observed = observations(o.observe, model.config().width), context = o.condition.context(model.config());
  Rng rng(o.seed);
  std::vector<Tensor> all;
  for (int64_t i = 0; i < observed.size(0); ++i) {
    const Tensor row = reshape(slice(observed, 0, i, i + 1), {observed.size(1)});
    const Guided found = guide(model.transform(), observation_energy(row, o.noise), o.count, rng, o.guidance, context);
    all.push_back(found.x);
    double known = 0;
    for (double v : row.to_vector<double>()) known += std::isnan(v) ? 0 : 1;
    const double log_density = found.log_evidence - known * std::log(o.noise * std::sqrt(2 * std::numbers::pi));
    std::cout << "observation " << i << ": log-density " << brief(log_density) << " nats under the model with noise "
              << o.noise << "; " << brief(100 * found.acceptance) << " % of moves accepted\n";
  }
  const Tensor x = concat(all, 0);
  if (ending == ".npy") write_npy(o.out, x);
  else write_sample_picture(o.out, model.config(), x);
  std::cout << o.count << " samples for each of " << observed.size(0) << " observations in " << o.out << '\n';
}

}  // namespace

void add_guide(Program& program) {
  auto o = std::make_shared<Options>();
  Command command = program.add("guide", "samples that agree with a noisy look at some coordinates, by any model");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("--observe", &o->observe, "0.5,? (one row, ? for what is not known) or an NPY file of rows with NaN",
                 {.required = true});
  command.option("--noise", &o->noise, "standard deviation of the observation, on the scale of the data",
                 {.least = 1e-9});
  command.option("-n,--count", &o->count, "samples for each observation", {.least = 1, .most = 1000000});
  command.option("--out", &o->out, "x.npy for the numbers, x.png for a picture", {.required = true});
  command.option("--distributions", &o->guidance.distributions, "from the base to the guided law", {.least = 1});
  command.option("--seed", &o->seed, "of the chains");
  o->condition.add_to(command);
  command.machine();
  command.action([o] { run(*o); });
}

}  // namespace pf::cli
