#include "models/model.h"

#include <algorithm>
#include <cmath>

#include "tensor/json.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

constexpr int config_format = 1;

/// Rows of a piece when something is evaluated over many: about a million numbers of input.
int64_t rows_at_once(int64_t width) {
  return std::clamp<int64_t>((int64_t(1) << 19) / std::max<int64_t>(width, 1), 64, 4096);
}

/// f of the rows and of the context that belongs to them.
template <class F> Tensor in_pieces(const Tensor& rows, const Tensor& context, const F& f) {
  const int64_t n = rows.size(0), step = rows_at_once(rows.size(1));
  if (n <= step) return f(rows, context);
  const bool each = context.defined() && context.size(0) == n;
  std::vector<Tensor> parts;
  for (int64_t at = 0; at < n; at += step) {
    const int64_t end = std::min(n, at + step);
    parts.push_back(f(slice(rows, 0, at, end), each ? slice(context, 0, at, end) : context));
  }
  return concat(parts, 0);
}

/// Column means and standard deviations of the training rows, in double precision.
std::pair<Tensor, Tensor> column_statistics(const Tensor& rows) {
  const Tensor x = cast(rows, float64);
  const Tensor centre = mean(x, 0), deviation = sqrt(mean(square(x - centre), 0));
  for (int64_t j = 0; j < rows.size(1); ++j)
    check(deviation.at({j}) > 1e-12 * (1 + std::abs(centre.at({j}))), "data: column ", j, " is constant (",
          centre.at({j}), "), so it has no density; leave it out");
  return {cast(deviation, float32), cast(centre, float32)};
}

}  // namespace

Json ModelConfig::to_json() const {
  Json json;
  json["format"] = config_format;
  json["family"] = family;
  json["settings"] = settings.to_json();
  json["data"] = data;
  json["width"] = width;
  if (image) json["image"] = {{"height", image->height}, {"width", image->width}, {"channels", image->channels}};
  json["levels"] = levels;
  if (condition.defined()) json["condition"] = condition.to_json();
  json["seed"] = seed;
  return json;
}

ModelConfig ModelConfig::from_json(const Json& json) {
  try {
    check(json.at("format").get<int>() == config_format, "config.json: format ", json.at("format").get<int>(),
          ": this program reads format ", config_format);
    ModelConfig config;
    config.family = json.at("family").get<std::string>();
    const Family& known = pf::family(config.family);
    config.settings = Settings(config.family, known.settings);
    config.settings.set_all(json.at("settings"));
    config.data = json.at("data").get<std::string>();
    config.width = json.at("width").get<int64_t>();
    check(config.width >= 1 && config.width <= 10000000, "config.json: width ", config.width, ": expected at least 1");
    if (json.contains("image")) {
      const auto& image = json.at("image");
      config.image = ImageShape{image.at("height").get<int64_t>(), image.at("width").get<int64_t>(),
                                image.at("channels").get<int64_t>()};
      check(config.image->size() == config.width, "config.json: an image ", *config.image, " has not ", config.width,
            " numbers");
    }
    config.levels = json.at("levels").get<int>();
    if (json.contains("condition")) config.condition = Condition::from_json(json.at("condition"));
    config.seed = json.at("seed").get<uint64_t>();
    return config;
  } catch (const Json::exception& error) { fail("config.json: ", error.what()); }
}

ModelConfig ModelConfig::make(const std::string& family, const Dataset& data, uint64_t seed,
                              const Condition& condition) {
  const Family& kind = pf::family(family);
  Settings settings(family, kind.settings);
  if (data.image)
    for (const std::string& assignment : kind.image_settings) settings.set(assignment);
  return {.family = family,
          .settings = std::move(settings),
          .data = data.name,
          .width = data.dim(),
          .image = data.image,
          .levels = data.levels,
          .condition = condition,
          .seed = seed};
}

void Model::prepare() {
  data_kind_ = family_->data_kind(config_.settings);
  if (config_.condition.defined() && !family_->conditional(config_.settings))
    throw UsageError(join(config_.family, ": with these settings it takes no condition (pushforward families)"));
}

Model::Model(const ModelConfig& config, const Tensor& train_rows)
    : config_(config), family_(&pf::family(config.family)) {
  check_rows("model", train_rows.shape(), config.width);
  prepare();
  const int64_t d = config.width;
  const auto range = [&] { return std::pair{min(train_rows).item(), max(train_rows).item()}; };
  if (data_kind_ == DataKind::integers) {
    if (config.levels == 0) {
      const auto [low, high] = range();
      check(low >= 0 && high < 65536 && max(abs(train_rows - round(train_rows))).item() == 0, config.family,
            ": with these settings it models whole numbers from 0 on, these are real numbers from ", low, " to ", high,
            "; set a variant or likelihood for real numbers (pushforward families)");
      config_.levels = int(high) + 1;
    }
    check_range(train_rows);
    build(ones({d}), zeros({d}));
  } else if (data_kind_ == DataKind::binary && config.levels == 0) {
    const auto [low, high] = range();
    check(low >= 0 && high <= 1, config.family, ": probabilities of 0 or 1 take data in [0, 1], these run from ", low,
          " to ", high, "; set a variant or likelihood for real numbers (pushforward families)");
    build(ones({d}), zeros({d}));
  } else if (data_kind_ == DataKind::binary) {
    build(full({d}, config.levels - 1.0), zeros({d}));
  } else if (config.levels > 0) {
    build(full({d}, config.levels / 2.0), full({d}, config.levels / 2.0));
  } else {
    auto [deviation, centre] = column_statistics(train_rows);
    build(deviation, centre);
  }
}

Model::Model(const ModelConfig& config) : config_(config), family_(&pf::family(config.family)) {
  prepare();
  build(ones({config.width}), zeros({config.width}));
}

void Model::build(Tensor scale, Tensor shift) {
  Rng rng = Rng(config_.seed).child(1);
  Built built = family_->build(config_.settings, config_.summary(), rng);
  inner_ = built.transform.get();
  objective_ = std::move(built.objective);
  auto affine = std::make_unique<Affine>(std::move(scale), std::move(shift));
  normalisation_ = affine.get();
  whole_ = std::make_unique<Composed>(std::move(built.transform), std::move(affine));
}

void Model::check_range(const Tensor& rows) const {
  if (data_kind_ != DataKind::integers || rows.numel() == 0) return;
  const double low = min(rows).item(), high = max(rows).item();
  check(low >= 0 && high < config_.levels && all(equal(rows, floor(rows))), config_.family, ": data from ", low, " to ",
        high, " for a model of whole numbers from 0 to ", config_.levels - 1);
}

Tensor Model::normalise(const Tensor& rows, Rng& rng) const {
  check_rows("model", rows.shape(), config_.width);
  if (data_kind_ == DataKind::integers) {
    if (!rows.device().is_cuda()) check_range(rows);
    return rows;
  }
  if (data_kind_ == DataKind::binary) {
    const Tensor probability = config_.levels > 0 ? rows * (1.0 / (config_.levels - 1)) : rows;
    return cast(less(rng.uniform(rows.shape(), rows.dtype()), probability), rows.dtype());
  }
  const Tensor real = config_.levels > 0 ? rows + rng.uniform(rows.shape(), rows.dtype()) : rows;
  return normalisation_->pull(Variable(real)).value();
}

double Model::log_scale() const {
  double sum = 0;
  if (data_kind_ == DataKind::real)
    for (float s : normalisation_->scale().to_vector<float>()) sum += std::log(std::abs(double(s)));
  return sum;
}

Tensor Model::denormalise(const Tensor& x) const { return normalisation_->push(Variable(x)).value(); }

LogDensity Model::log_density(const Tensor& rows, Rng& rng, const Tensor& context) const {
  LogDensity out;
  if (rows.device().is_cuda()) check_range(rows);
  const double scale = log_scale();
  out.value = in_pieces(rows, context, [&](const Tensor& part, const Tensor& given) {
    LogDensity piece = inner_->log_density(normalise(part, rng), rng, given);
    out.kind = piece.kind;
    out.note = piece.note;
    return cast(piece.value, float64) - scale;
  });
  if (data_kind_ == DataKind::binary) out.note += ", of the pixels drawn as 0 or 1";
  else if (data_kind_ == DataKind::real && config_.levels > 0) out.note += ", dequantised with uniform noise";
  return out;
}

Tensor Model::push(const Tensor& z, const Tensor& context) const {
  return in_pieces(
      z, context, [&](const Tensor& part, const Tensor& given) { return whole_->push(Variable(part), given).value(); });
}
Tensor Model::pull(const Tensor& x, const Tensor& context) const {
  return in_pieces(
      x, context, [&](const Tensor& part, const Tensor& given) { return whole_->pull(Variable(part), given).value(); });
}
Tensor Model::encode(const Tensor& x, const Tensor& context) const {
  return in_pieces(x, context, [&](const Tensor& part, const Tensor& given) { return whole_->encode(part, given); });
}
Tensor Model::sample(int64_t n, Rng& rng, const Tensor& context) const {
  return push(whole_->base().sample(n, rng, float32), context);
}
int64_t Model::parameters() const { return count_parameters(static_cast<const Transform&>(*whole_)); }

}  // namespace pf
