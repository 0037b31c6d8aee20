#include "bench/published/modes.h"

#include <cmath>
#include <cstdio>
#include <ctime>

#include "models/metrics/mode_coverage.h"
#include "tensor/json.h"
#include "tensor/suggest.h"

namespace pf::bench {
namespace {

/// A mean and its standard error.
std::pair<double, double> mean_of(const std::vector<ModesOutcome>& outcomes, const auto& number) {
  const double n = double(outcomes.size());
  double mean = 0, squares = 0;
  for (const ModesOutcome& o : outcomes) mean += number(o) / n;
  for (const ModesOutcome& o : outcomes) squares += (number(o) - mean) * (number(o) - mean);
  return {mean, n > 1 ? std::sqrt(squares / (n - 1) / n) : NAN};
}

const auto modes_of = [](const ModesOutcome& o) { return double(o.captured); };
const auto quality_of = [](const ModesOutcome& o) { return o.quality; };

bool reached(const ModesRow& row, const std::vector<ModesOutcome>& outcomes) {
  return mean_of(outcomes, modes_of).first >= row.modes_goal && mean_of(outcomes, quality_of).first >= row.quality_goal;
}

}  // namespace

const std::vector<ModesRow>& modes_rows() {
  const std::vector<std::string> critic{"hidden=128",       "activation=relu", "critic-hidden=128", "critic-waves=5",
                                        "gamma-left=0.001", "beta1=0",         "beta2=0.99"};
  const auto with = [&](std::vector<std::string> own) {
    own.insert(own.end(), critic.begin(), critic.end());
    return own;
  };
  static const std::vector<ModesRow> rows = {
      {"r3gan/grid25",
       "grid25",
       with({"variant=r3gan", "gamma=0.1"}),
       {.steps = 16000, .batch = 256, .rate = 1e-3},
       24.5,
       90,
       ""},
      {"pacgan/grid25",
       "grid25",
       with({"variant=pacgan", "pack=2", "gamma=1"}),
       {.steps = 16000, .batch = 256, .rate = 1e-3},
       24.5,
       90,
       "PacGAN2 23.8 ± 0.7, 91.3 ± 0.8 %; PacGAN4 24.8 ± 0.2, 93.6 ± 0.6 %"},
      {"wgan-gp/ring8",
       "ring8",
       {"variant=wgan-gp", "hidden=128", "activation=relu", "critic-hidden=128", "critic-steps=5"},
       {.steps = 5000, .batch = 256, .rate = 1e-3},
       8,
       0,
       ""},
  };
  return rows;
}

std::vector<ModesRow> modes_rows_of(const std::string& name) {
  std::vector<ModesRow> out;
  std::vector<std::string> known;
  for (const ModesRow& row : modes_rows()) {
    known.push_back("modes/" + row.name);
    if (name == "modes" || name == known.back()) out.push_back(row);
  }
  known.push_back("modes");
  if (out.empty()) throw UsageError("row '" + name + "': there is none of this name" + did_you_mean(name, known));
  return out;
}

ModesOutcome train_for_modes(const ModesRow& row, uint64_t seed, int64_t steps) {
  const std::clock_t started = std::clock();
  const Rng root(seed);
  Rng drawing = root.child(1), sampling = root.child(2);
  Dataset data{
      .name = row.data, .train = sample_2d(row.data, 100000, drawing), .test = sample_2d(row.data, 1000, drawing)};
  ModelConfig config = ModelConfig::make("gan", data, seed);
  for (const std::string& setting : row.settings) config.settings.set(setting);
  Model model(config, data.train);
  TrainOptions options = row.training;
  if (steps > 0) options.steps = steps;
  Trainer(model, data, options).run();
  const ModeCoverage found = mode_coverage(model.sample(2500, sampling), *synthetic_set(row.data).modes);
  return {found.captured, found.modes, 100 * found.high_quality.value, found.reverse_kl,
          double(std::clock() - started) / CLOCKS_PER_SEC};
}

std::string to_json(const ModesRow& row, const std::vector<ModesOutcome>& outcomes) {
  Json line{{"row", row.name}, {"settings", row.settings}, {"training", row.training.to_json()}};
  for (const ModesOutcome& o : outcomes)
    line["seeds"].push_back({{"modes", o.captured},
                             {"of", o.modes},
                             {"high_quality_percent", o.quality},
                             {"reverse_kl", o.reverse_kl},
                             {"cpu_seconds", o.seconds}});
  line["reached"] = reached(row, outcomes);
  return line.dump();
}

std::string modes_header() {
  return "row               modes            high quality, %   goals   rev. KL   CPU s   published";
}

std::string modes_line(const ModesRow& row, const std::vector<ModesOutcome>& outcomes) {
  // Errors of a mean where there is more than one training.
  const auto with_error = [&](const auto& number) {
    const auto [mean, error] = mean_of(outcomes, number);
    char text[64];
    if (outcomes.size() > 1) std::snprintf(text, sizeof text, "%5.2f ± %.2f", mean, error);
    else std::snprintf(text, sizeof text, "%5.2f       ", mean);
    return std::string(text);
  };
  const auto mean = [&](double ModesOutcome::*number) {
    return mean_of(outcomes, [&](const ModesOutcome& o) { return o.*number; }).first;
  };
  char text[400];
  std::snprintf(text, sizeof text, "%-15s %s of %2d   %s       %5s   %7.3f   %5.0f   %s", row.name.c_str(),
                with_error(modes_of).c_str(), int(outcomes.front().modes), with_error(quality_of).c_str(),
                reached(row, outcomes) ? "yes" : "no", mean(&ModesOutcome::reverse_kl), mean(&ModesOutcome::seconds),
                row.published.c_str());
  return text;
}

}  // namespace pf::bench
