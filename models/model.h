#pragma once
// Model: a family's map with the normalisation of its data in front of it, on the scale of the data as given.

#include <nlohmann/json_fwd.hpp>

#include "models/condition.h"
#include "models/family.h"

namespace pf {

/// Everything that makes a model what it is, apart from its parameters; what config.json holds.
struct ModelConfig {
  std::string family;
  Settings settings;
  std::string data;   // as asked for: "moons", "fashion-mnist", "csv:points.csv"
  int64_t width = 0;  // of the data, without the columns that are a condition
  std::optional<ImageShape> image;
  int levels = 0;  // of integer-valued data; 0: real numbers
  Condition condition;
  uint64_t seed = 0;

  /// What the family is told of the data.
  DataSummary summary() const { return {.width = width, .image = image, .levels = levels, .context = condition.width}; }
  nlohmann::ordered_json to_json() const;
  static ModelConfig from_json(const nlohmann::ordered_json& json);
  /// The configuration of a new model of this family for these data, with the family's default settings. `data` with their condition
  /// applied.
  static ModelConfig make(const std::string& family, const Dataset& data, uint64_t seed,
                          const Condition& condition = {});
};

class Model {
 public:
  /// Parameters from config.seed. The normalisation is taken from the training rows (images: from their levels).
  Model(const ModelConfig& config, const Tensor& train_rows);
  /// For loading: the normalisation comes with the parameters.
  explicit Model(const ModelConfig& config);

  const ModelConfig& config() const { return config_; }
  const Family& family() const { return *family_; }
  /// x = T(z) on the scale of the data, normalisation included.
  const Transform& transform() const { return *whole_; }
  Transform& transform() { return *whole_; }
  /// The family's own map, on normalised data.
  const Transform& inner() const { return *inner_; }
  const Objective& objective() const { return *objective_; }
  Objective& objective() { return *objective_; }
  /// Throws where the family models whole numbers and rows hold others than it has levels for.
  void check_range(const Tensor& rows) const;
  /// Rows as the family sees them: dequantised or binarised with `rng` where the data ask for it, then normalised. Their range
  /// is checked on the CPU; on a GPU looking would wait in every step, so there rows are checked when they are loaded.
  Tensor normalise(const Tensor& rows, Rng& rng) const;
  /// From the family's scale to that of the data.
  Tensor denormalise(const Tensor& x) const;
  /// log p of rows on the scale of the data, with `rng` for dequantisation and estimates: [n] and its kind. Evaluated in
  /// pieces, so that memory stays bounded.
  LogDensity log_density(const Tensor& rows, Rng& rng, const Tensor& context = {}) const;
  /// log|det| of the way from the family's scale to that of the data; 0 where the data have a probability, not a density.
  double log_scale() const;
  /// In pieces, so that memory stays bounded. pull throws where the family has no inverse; encode asks its encoder then.
  /// context: as config().condition makes it, a row for each point or one for all.
  Tensor push(const Tensor& z, const Tensor& context = {}) const;
  Tensor pull(const Tensor& x, const Tensor& context = {}) const;
  Tensor encode(const Tensor& x, const Tensor& context = {}) const;
  Tensor sample(int64_t n, Rng& rng, const Tensor& context = {}) const;
  /// Binary data and integers have a probability, not a density, and no scale to account for.
  DataKind data_kind() const { return data_kind_; }
  int64_t parameters() const;

 private:
  void prepare();
  void build(Tensor scale, Tensor shift);

  ModelConfig config_;
  const Family* family_;
  DataKind data_kind_ = DataKind::real;
  std::unique_ptr<Composed> whole_;
  Transform* inner_ = nullptr;
  Affine* normalisation_ = nullptr;
  std::unique_ptr<Objective> objective_;
};

}  // namespace pf
