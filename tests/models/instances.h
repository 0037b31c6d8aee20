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
      out.push_back({name, &f, assignments});
    }
  return out;
}

/// The parameters of one seed, the same numbers in float32 and float64. Families that solve to a tolerance get a fine one
/// in double precision.
inline Built make_instance(const Variant& variant, DType dtype = float64, int64_t width = 2, uint64_t seed = 1,
                           double tolerance = 1e-8) {
  Settings settings = variant.settings();
  for (const Setting& s : variant.family->settings)
    if (s.key == "tolerance" && dtype == float64) settings.set("tolerance", join(tolerance));
  Rng rng(seed);
  Built built = variant.family->build(settings, {.width = width}, rng);
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
  return built;
}

/// Two moons as the variant takes them: normalised, or as zeros and ones where it models probabilities.
inline Tensor rows_for(const Variant& variant, int64_t n, Rng& rng, DType dtype = float64) {
  const Tensor x = cast(sample_2d("moons", n, rng), dtype);
  if (variant.family->binary_data(variant.settings())) return cast(x > 0.0, dtype);
  return x * 0.6;
}

/// A data set for the variant.
inline Dataset dataset_for(const Variant& variant, int64_t rows) {
  Rng rng(17);
  Dataset data{.name = "moons", .train = sample_2d("moons", rows, rng), .test = sample_2d("moons", rows, rng)};
  if (variant.family->binary_data(variant.settings()))
    for (Tensor* x : {&data.train, &data.test}) *x = clamp(*x * 0.5 + 0.8, 0.0, 1.0);
  return data;
}

}  // namespace pf::testing
