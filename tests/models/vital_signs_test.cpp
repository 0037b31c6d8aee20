// What a training says of itself at its end.

#include "models/vital_signs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "models/train.h"
#include "nn/data/load.h"
#include "tensor/files.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/rounding.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

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

// Maps that have neither an inverse nor a density, after next to no training: that their samples are nowhere near is told.
TEST(VitalSigns, NobodyIsOkUnseen) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> maps{
      {"flow-matching", {"variant=mean-flow", "hidden=16", "depth=2"}},
      {"flow-matching", {"variant=shortcut", "hidden=16", "depth=2"}},
      {"diffusion", {"variant=consistency", "hidden=16", "depth=2"}},
      {"gan", {"variant=mmd", "hidden=16"}},
      {"gan", {"variant=energy", "hidden=16"}},
      {"gan", {"variant=sliced", "hidden=16"}},
      {"gan", {"variant=sinkhorn", "hidden=16"}},
      {"gan", {"variant=drifting", "hidden=16"}}};
  for (const auto& [family, settings] : maps) {
    const auto signs = signs_of(family, settings, "moons");
    ASSERT_TRUE(signs.contains("energy distance to data")) << family << ' ' << settings[0];
    EXPECT_TRUE(testing::contains(signs.at("energy distance to data").warning, "samples are far from the data"))
        << family << ' ' << settings[0] << ' ' << signs.at("energy distance to data").value;
    EXPECT_LT(std::abs(signs.at("energy distance, floor").value), 0.03) << family;
    EXPECT_EQ(signs.contains("loss at time 0 to 0.25"), family == "flow-matching") << settings[0];
    EXPECT_EQ(signs.contains("loss at noise 0 to 0.25"), family == "diffusion") << settings[0];
  }
}

TEST(VitalSigns, OfAGeneratorThatHasLearned) {
  const Dataset data = load_dataset("moons", {.train_rows = 3000, .test_rows = 100});
  ModelConfig config = ModelConfig::make("gan", data, 1);
  for (const char* s : {"variant=energy", "hidden=32"}) config.settings.set(s);
  Model model(config, data.train);
  const auto signs = Trainer(model, data, {.steps = 600, .batch = 128, .rate = 3e-3, .ema = 0.98}).run().vital_signs;
  EXPECT_EQ(verdict_of(signs), "ok");
  EXPECT_EQ(signs.size(), 2u);
}

// Two columns that are always equal: together they have the nats of one.
TEST(VitalSigns, OfWholeNumbers) {
  Rng rng(2);
  const Tensor x = floor(square(rng.uniform({2000, 1})) * 4.0);  // ½, 0.207, 0.159, 0.134
  const Tensor rows = concat(std::vector<Tensor>{x, x}, 1);
  Dataset data{.name = "twins", .train = rows, .test = rows, .levels = 4};
  for (const char* variant : {"variant=categorical", "variant=discretised-logistic"}) {
    ModelConfig config = ModelConfig::make("autoregressive", data, 1);
    for (const char* s : {variant, "hidden=16"}) config.settings.set(s);
    Model model(config, data.train);
    const auto before = vital_signs(model, data);
    ASSERT_EQ(before.size(), 2u);
    EXPECT_NEAR(before[1].value, 2 * 1.234, 0.06);
    EXPECT_EQ(verdict_of(before), "it knows no more than the columns one by one") << variant << ' ' << before[0].value;
    const auto after = Trainer(model, data, {.steps = 300, .batch = 128, .rate = 1e-2, .ema = 0.9}).run().vital_signs;
    EXPECT_EQ(verdict_of(after), "ok") << variant;
    EXPECT_LT(after[0].value, 1.1 * 1.234) << variant;
  }
}

// In training they are told of at the interval of the reports, and stand in metrics.jsonl.
TEST(VitalSigns, OnTheWay) {
  const Dataset modes = load_dataset("8gaussians", {.train_rows = 2000, .test_rows = 100}),
                moons = load_dataset("moons", {.train_rows = 2000, .test_rows = 100});
  for (const auto& [family, names] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"gan", {"critic prefers data", "modes found"}},
           {"flow", {"inverse error", "least log-determinant", "greatest log-determinant"}},
           {"diffusion", {"loss at noise 0 to 0.25"}}}) {
    const testing::TemporaryFolder folder;
    const Dataset& data = family == "gan" ? modes : moons;
    ModelConfig config = ModelConfig::make(family, data, 1);
    config.settings.set("hidden=16");
    Model model(config, data.train);
    std::vector<int64_t> told;
    Trainer(model, data, {.steps = 40, .batch = 64, .report_every = 10}, folder / "run")
        .run([&](const TrainProgress& p) {
          if (p.signs.empty()) return;
          told.push_back(p.step);
          for (const std::string& name : names)
            EXPECT_TRUE(std::any_of(p.signs.begin(), p.signs.end(), [&](const VitalSign& s) { return s.name == name; }))
                << family << ": " << name;
        });
    EXPECT_EQ(told, (std::vector<int64_t>{10, 20, 30})) << family;
    const std::string log = read_file(folder / "run/metrics.jsonl");
    for (const std::string& name : names) EXPECT_TRUE(testing::contains(log, name)) << family;
  }
}

TEST(VitalSigns, TheVerdictIsTheWarnings) {
  EXPECT_EQ(verdict_of({}), "not judged");
  EXPECT_EQ(verdict_of({{"a", 1, ""}}), "ok");
  EXPECT_EQ(verdict_of({{"a", 1, ""}, {"b", 2, "two"}, {"c", 3, "three"}}), "two; three");
}

}  // namespace
}  // namespace pf
