#pragma once
// Small models of every family for tests: each family's test variants, with parameters moved away from their start.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "models/model.h"
#include "nn/data/synthetic.h"
#include "tensor/ops/rounding.h"

namespace pf::testing {

/// A family with settings that make it small. The name is that of the test: "flow_realnvp".
struct Variant {
  std::string name;
  const Family* family;
  std::vector<std::string> assignments;
  bool given = false;  // built with a condition, which is then held fixed: "flow_realnvp_given"

  Settings settings() const {
    Settings out(family->name, family->settings);
    for (const std::string& a : assignments) out.set(a);
    return out;
  }
};
inline std::string name_of_variant(const ::testing::TestParamInfo<Variant>& info) { return info.param.name; }
inline void PrintTo(const Variant& v, std::ostream* out) { *out << v.name; }

inline std::vector<Variant> all_variants() {
  std::vector<Variant> out;
  for (const Family& f : families())
    for (const auto& assignments : f.test_variants) {
      std::string name = f.name;
      if (!assignments.empty()) name += "_" + assignments[0].substr(assignments[0].find('=') + 1);
      for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      const Variant variant{name, &f, assignments};
      out.push_back(variant);
      if (f.conditional(variant.settings())) out.push_back({name + "_given", &f, assignments, true});
    }
  return out;
}

inline constexpr int64_t context_width = 3, test_levels = 5;
inline Tensor fixed_context() { return tensor({0.4, -0.7, 1}, {1, context_width}); }

/// A conditional objective with the condition held fixed.
class GivenObjective final : public Objective {
 public:
  explicit GivenObjective(std::unique_ptr<Objective> inner) : inner_(std::move(inner)) {
    if (inner_->opponent()) opponent_.emplace(*inner_->opponent());
  }
  std::string name() const override { return inner_->name(); }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& = {}) const override {
    return inner_->loss(batch, rng, fixed_context());
  }
  Opponent* opponent() override { return opponent_ ? &*opponent_ : nullptr; }
  void set_progress(double part) override { inner_->set_progress(part); }
  std::vector<Tensor> changing_numbers() const override { return inner_->changing_numbers(); }
  void after_step(const Tensor& batch, Rng& rng, const Tensor& = {}) override {
    inner_->after_step(batch, rng, fixed_context());
  }
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& = {}) const override {
    return inner_->vital_signs(batch, rng, fixed_context());
  }
  AdamOptions optimizer() const override { return inner_->optimizer(); }

 private:
  struct Player final : Opponent {
    explicit Player(Opponent& o) : inner(o) {}
    void visit_fields(const std::string& name, FieldVisitor& visitor) override { inner.visit_fields(name, visitor); }
    void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const override {
      std::as_const(inner).visit_fields(name, visitor);
    }
    Variable loss(const Tensor& batch, Rng& rng, const Tensor& = {}) const override {
      return inner.loss(batch, rng, fixed_context());
    }
    int64_t steps() const override { return inner.steps(); }
    Opponent& inner;
  };
  std::unique_ptr<Objective> inner_;
  std::optional<Player> opponent_;
};

/// The parameters of one seed, the same numbers in float32 and float64. Families that solve to a tolerance get a fine one
/// in double precision.
inline Built make_instance(const Variant& variant, DType dtype = float64, int64_t width = 2, uint64_t seed = 1,
                           double tolerance = 1e-8) {
  Settings settings = variant.settings();
  for (const Setting& s : variant.family->settings)
    if (s.key == "tolerance" && dtype == float64) settings.set("tolerance", join(tolerance));
  Rng rng(seed);
  const bool integers = variant.family->data_kind(settings) == DataKind::integers;
  Built built = variant.family->build(
      settings,
      {.width = width, .levels = integers ? int(test_levels) : 0, .context = variant.given ? context_width : 0}, rng);
  for (Field& field : fields_of(*built.transform)) {
    if (!is_floating(field.value().dtype())) continue;
    if (field.parameter)
      *field.parameter = Variable(cast(field.value() + rng.normal(field.value().shape()) * 0.1, dtype));
    else *field.buffer = cast(field.value(), dtype);
  }
  if (Opponent* opponent = built.objective->opponent())
    for (Field& field : fields_of(*opponent)) {
      if (field.parameter) *field.parameter = Variable(cast(field.value(), dtype));
      else *field.buffer = cast(field.value(), dtype);
    }
  if (!variant.given) return built;
  return {std::make_unique<Given>(std::move(built.transform), fixed_context()),
          std::make_unique<GivenObjective>(std::move(built.objective))};
}

/// Two moons as the variant takes them: normalised, as zeros and ones where it models probabilities, or as integers.
inline Tensor rows_for(const Variant& variant, int64_t n, Rng& rng, DType dtype = float64) {
  const Tensor x = cast(sample_2d("moons", n, rng), dtype);
  const DataKind kind = variant.family->data_kind(variant.settings());
  if (kind == DataKind::binary) return cast(x > 0.0, dtype);
  if (kind == DataKind::integers) return clamp(floor(x + 2.0), 0.0, double(test_levels - 1));
  return x * 0.6;
}

/// A data set for the variant.
inline Dataset dataset_for(const Variant& variant, int64_t rows) {
  Rng rng(17);
  Dataset data{.name = "moons", .train = sample_2d("moons", rows, rng), .test = sample_2d("moons", rows, rng)};
  const DataKind kind = variant.family->data_kind(variant.settings());
  for (Tensor* x : {&data.train, &data.test}) {
    if (kind == DataKind::binary) *x = clamp(*x * 0.5 + 0.8, 0.0, 1.0);
    if (kind == DataKind::integers) *x = clamp(floor(*x + 2.0), 0.0, double(test_levels - 1));
  }
  if (kind == DataKind::integers) data.levels = int(test_levels);
  for (auto [x, labels] : {std::pair{&data.train, &data.train_labels}, {&data.test, &data.test_labels}})
    *labels = cast(clamp(floor(slice(*x, 1, 0, 1) + 1.0), 0.0, double(context_width - 1)), int64);
  for (Tensor* labels : {&data.train_labels, &data.test_labels}) *labels = reshape(*labels, {rows});
  return variant.given ? Condition::make("labels", data).apply(data) : data;
}

/// The configuration of a small model of the variant for its data set.
inline ModelConfig config_for(const Variant& variant, const Dataset& data, uint64_t seed) {
  ModelConfig config = ModelConfig::make(variant.family->name, data, seed,
                                         variant.given ? Condition::make("labels", data) : Condition{});
  for (const std::string& a : variant.assignments) config.settings.set(a);
  return config;
}

}  // namespace pf::testing
