// Options of a training, as JSON and as each family asks for them.

#include <algorithm>

#include "models/train.h"
#include "tensor/json.h"

namespace pf {

namespace {
constexpr const char* precision_names[] = {"float32", "bf16"};
}

DType parse_precision(const std::string& name) {
  if (name == precision_names[0]) return float32;
  if (name == precision_names[1]) return bfloat16;
  throw UsageError(join("precision '", name, "': expected float32 or bf16"));
}

TrainOptions default_options(const ModelConfig& config, const Dataset& data, double effort) {
  const TrainingDefaults defaults = family(config.family).defaults(config.settings, config.summary());
  TrainOptions options;
  options.steps = std::max<int64_t>(1, int64_t(double(defaults.steps) * effort));
  options.batch = std::min(defaults.batch, data.train.size(0));
  options.rate = defaults.rate;
  return options;
}

Json TrainOptions::to_json() const {
  return {{"steps", steps},
          {"batch", batch},
          {"rate", rate},
          {"warmup", warmup},
          {"clip", clip},
          {"ema", ema},
          {"save_every", save_every},
          {"report_every", report_every},
          {"picture_every", picture_every},
          {"precision", precision_names[precision == bfloat16]}};
}

TrainOptions TrainOptions::from_json(const Json& json) {
  try {
    TrainOptions o;
    o.steps = json.at("steps").get<int64_t>();
    o.batch = json.at("batch").get<int64_t>();
    o.rate = json.at("rate").get<double>();
    o.warmup = json.at("warmup").get<int64_t>();
    o.clip = json.at("clip").get<double>();
    o.ema = json.at("ema").get<double>();
    o.save_every = json.at("save_every").get<int64_t>();
    o.report_every = json.at("report_every").get<int64_t>();
    o.picture_every = json.at("picture_every").get<int64_t>();
    o.precision = parse_precision(json.value("precision", "float32"));  // runs of earlier versions do not say
    return o;
  } catch (const Json::exception& error) { fail("config.json: training: ", error.what()); }
}

}  // namespace pf
