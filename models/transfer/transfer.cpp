#include "models/transfer/transfer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "models/metrics/sliced_w2.h"
#include "models/transfer/improvement.h"
#include "nn/checkpoint.h"
#include "nn/data/load.h"
#include "nn/state.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"

namespace pf {
namespace {

namespace fs = std::filesystem;

/// One training with the family's defaults: the averaged model and the last one.
struct Training {
  Model model, last;
  TrainOptions options;
};

/// "diffusion:variant=consistency:jumps=2": the family, and assignments to its settings.
struct Entry {
  std::string family;
  std::vector<std::string> assignments;
  explicit Entry(const std::string& text) {
    std::istringstream parts(text);
    std::getline(parts, family, ':');
    pf::family(family);
    Settings settings(family, pf::family(family).settings);
    for (std::string part; std::getline(parts, part, ':'); assignments.push_back(part)) settings.set(part);
  }
};

Training train(const std::string& name, const Dataset& data, uint64_t seed, const TransferOptions& o,
               const std::function<bool()>& stop) {
  const Entry entry(name);
  ModelConfig config = ModelConfig::make(entry.family, data, seed);
  for (const std::string& assignment : entry.assignments) config.settings.set(assignment);
  TrainOptions options = default_options(config, data, o.effort);
  options.save_every = options.picture_every = options.steps;
  std::string place = join(name, "-", seed);
  std::replace_if(
      place.begin(), place.end(), [](char c) { return c == ':' || c == '='; }, '-');
  const std::string folder = (fs::path(o.folder) / place).string();
  Model model(config, data.train), last(config);
  Trainer(model, data, options, folder).run({}, stop);
  const std::vector<Field> fields = fields_of(last.transform());
  load_fields(fields, load_snapshot(fs::path(folder) / "snapshot.safetensors").get("model"));
  return {std::move(model), std::move(last), options};
}

Tensor some_rows(const Tensor& rows, int64_t count, Rng& rng) {
  return index_select(rows, 0, slice(rng.permutation(rows.size(0)), 0, 0, count));
}

/// One seed: its own error. More: the mean of the values, and its error over the seeds.
Estimate over_seeds(const std::vector<Estimate>& each) {
  if (each.size() == 1) return each[0];
  std::vector<double> values;
  for (const Estimate& e : each) values.push_back(e.value);
  return mean_of(values);
}

/// W₂ before less W₂ after, to the same real rows: the error is that of the difference itself, on separate blocks of rows.
Estimate paired_gain(const Samples& samples, const Tensor& real, const Tensor& directions) {
  const int64_t d = real.size(1);
  const Tensor both = concat(std::vector<Tensor>{samples.before, samples.after}, 1);
  const auto gain = [&](const Tensor& two, const Tensor& rows) {
    const Tensor before = contiguous(slice(two, 1, 0, d)), after = contiguous(slice(two, 1, d, 2 * d));
    return sliced_w2(before, contiguous(rows), directions).value - sliced_w2(after, contiguous(rows), directions).value;
  };
  return {gain(both, real), block_error(both, real, gain)};
}

double in_errors(const TransferCell& c) { return c.gain.error > 0 ? c.gain.value / c.gain.error : 0; }

}  // namespace

bool TransferCell::better() const { return why_not.empty() && in_errors(*this) > 2; }
bool TransferCell::worse() const { return why_not.empty() && in_errors(*this) < -2; }

TransferTable transfer(const TransferOptions& options, const std::function<void(const std::string&)>& report,
                       const std::function<bool()>& stop) {
  check(options.seeds >= 1, "transfer: ", options.seeds, " seeds: expected at least 1");
  const Dataset data = load_dataset(options.data, {.seed = options.seed});
  const int64_t count = std::min(options.samples, data.test.size(0));
  check(count >= 16, "transfer: ", data.name, " has ", data.test.size(0), " test rows: expected at least 16");
  TransferTable table;
  table.families = options.families;
  if (table.families.empty())
    for (const Family& f : families()) table.families.push_back(f.name);
  table.improvements = options.improvements;
  if (table.improvements.empty())
    for (const Improvement& i : improvements()) table.improvements.push_back(i.name);
  for (const std::string& name : table.families) Entry{name};
  for (const std::string& name : table.improvements) improvement(name);

  Rng rng = Rng(options.seed).child(200);
  const Tensor directions = random_directions(200, data.dim(), rng);
  const Tensor real = some_rows(data.test, count, rng);
  table.floor = sliced_w2(some_rows(data.train, count, rng), real, directions);
  for (const std::string& name : table.families) {
    std::vector<TransferCell> row;
    std::vector<std::vector<Estimate>> before(table.improvements.size()), after = before, gain = before;
    for (const std::string& which : table.improvements) row.push_back({.family = name, .improvement = which});
    for (int64_t s = 0; s < options.seeds; ++s) {
      const uint64_t seed = options.seed + uint64_t(s);
      if (report) report(join(name, ": training", options.seeds > 1 ? join(", seed ", seed) : std::string()));
      const Training trained = train(name, data, seed, options, stop);
      const Trained given{trained.model, trained.last, data, trained.options};
      for (size_t i = 0; i < row.size(); ++i) {
        if (stop && stop()) return table;
        if (!row[i].why_not.empty()) continue;
        if (report) report(join(name, ": ", row[i].improvement));
        Rng own = Rng(seed).child(201);
        const Outcome outcome = improvement(row[i].improvement).apply(given, count, own);
        if (const auto* why = std::get_if<std::string>(&outcome)) {
          row[i].why_not = *why;
          continue;
        }
        const Samples& samples = std::get<Samples>(outcome);
        before[i].push_back(sliced_w2(samples.before, real, directions));
        after[i].push_back(sliced_w2(samples.after, real, directions));
        gain[i].push_back(paired_gain(samples, real, directions));
      }
    }
    for (size_t i = 0; i < row.size(); ++i) {
      if (!row[i].why_not.empty()) continue;
      row[i].before = over_seeds(before[i]);
      row[i].after = over_seeds(after[i]);
      row[i].gain = over_seeds(gain[i]);
    }
    table.cells.insert(table.cells.end(), row.begin(), row.end());
  }
  return table;
}

}  // namespace pf
