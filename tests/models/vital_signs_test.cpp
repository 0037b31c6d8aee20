// What a training says of itself at its end.

#include "models/vital_signs.h"

#include <gtest/gtest.h>

#include <map>

#include "nn/data/load.h"
#include "tests/models/instances.h"

namespace pf {
namespace {

std::map<std::string, VitalSign> signs_of(const std::string& family, const std::vector<std::string>& settings,
                                          const std::string& set) {
  const Dataset data = load_dataset(set, {.train_rows = 3000, .test_rows = 100});
  ModelConfig config = ModelConfig::make(family, data, 1);
  for (const std::string& s : settings) config.settings.set(s);
  std::map<std::string, VitalSign> out;
  for (const VitalSign& sign : vital_signs(Model(config, data.train), data)) out[sign.name] = sign;
  return out;
}

TEST(VitalSigns, OfAnInvertibleMap) {
  auto signs = signs_of("flow", {"variant=realnvp", "hidden=16"}, "moons");
  EXPECT_LT(signs.at("inverse error").value, 1e-4);
  EXPECT_TRUE(signs.at("inverse error").warning.empty());
  EXPECT_LE(signs.at("least log-determinant").value, signs.at("greatest log-determinant").value);
  EXPECT_LT(signs_of("flow-matching", {"hidden=16"}, "moons").at("inverse error").value, 1e-2);
  EXPECT_FALSE(signs_of("vae", {"hidden=16"}, "moons").contains("inverse error"));
}

TEST(VitalSigns, OfModesThatAreMissed) {
  const VitalSign sign = signs_of("gan", {"hidden=16"}, "grid25").at("modes found");
  EXPECT_LT(sign.value, 25);
  EXPECT_EQ(sign.warning, join("collapsed: ", sign.value, " of 25 modes"));
}

TEST(VitalSigns, TheVerdictIsTheWarnings) {
  EXPECT_EQ(verdict_of({}), "ok");
  EXPECT_EQ(verdict_of({{"a", 1, ""}, {"b", 2, "two"}, {"c", 3, "three"}}), "two; three");
}

}  // namespace
}  // namespace pf
