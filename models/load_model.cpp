// Models and options from the folder of a training.

#include <cmath>
#include <filesystem>

#include "models/train.h"
#include "nn/checkpoint.h"
#include "nn/optim/ema.h"
#include "nn/state.h"
#include "tensor/files.h"
#include "tensor/json.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/reduce.h"

namespace pf {

namespace {

namespace fs = std::filesystem;

fs::path snapshot_of(const std::string& folder) { return fs::path(folder) / "snapshot.safetensors"; }

Json read_config(const std::string& folder) {
  check(fs::is_directory(folder), folder,
        ": there is no such folder; it is made by pushforward train FAMILY --data D --out ", folder);
  const fs::path path = fs::path(folder) / "config.json";
  check(fs::exists(path), folder, ": not the folder of a training run: it has no config.json");
  auto json = parse_json(read_file(path));
  check(!json.is_discarded() && json.is_object(), path.string(), ": not JSON; the file is damaged");
  return json;
}
}  // namespace

ModelConfig load_config(const std::string& folder) {
  const Json json = read_config(folder);
  try {
    return ModelConfig::from_json(json);
  } catch (Error& error) {
    error.add_context(folder);
    throw;
  }
}

TrainOptions load_train_options(const std::string& folder) {
  const auto json = read_config(folder);
  check(json.contains("training"), folder, "/config.json: training: missing");
  return TrainOptions::from_json(json.at("training"));
}

Model load_model(const std::string& folder, const std::vector<std::string>& settings) {
  ModelConfig config = load_config(folder);
  for (const std::string& assignment : settings) config.settings.set_for_sampling(assignment);
  Model model(config);
  const Snapshot snapshot = load_snapshot(snapshot_of(folder));
  const std::vector<Field> fields = fields_of(model.transform());
  try {
    load_fields(fields, snapshot.get("model"));
    Ema ema(fields);
    ema.load_state(fields, snapshot.get("ema"));
    ema.store(fields);
  } catch (Error& error) {
    error.add_context(snapshot_of(folder).string() + " does not fit config.json");
    throw;
  }
  for (const Field& field : fields)
    if (field.parameter)
      check(std::isfinite(sum(field.value() * 0.0).item()), snapshot_of(folder).string(), ": ", field.path,
            " has numbers that are not finite: the file is damaged, or the training went wrong; train anew");
  return model;
}

}  // namespace pf
