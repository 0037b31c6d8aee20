// What may be changed of a trained model: settings that say how it is evaluated, and that change no parameter.

#include <cmath>

#include "models/train.h"
#include "nn/module.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::Variant;

std::vector<Variant> free_of_conditions() {
  std::vector<Variant> out;
  for (const Variant& v : testing::all_variants())
    if (!v.given) out.push_back(v);
  return out;
}

class SamplingSettings : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, SamplingSettings, ::testing::ValuesIn(free_of_conditions()), testing::name_of_variant);

TEST_P(SamplingSettings, ChangeNoParameter) {
  const Variant& variant = GetParam();
  const auto parameters = [&](const Variant& v) {
    Built built = testing::make_instance(v, float32);
    std::vector<std::pair<std::string, std::vector<float>>> out;
    for (const Field& f : parameters_of(*built.transform)) out.emplace_back(f.path, f.value().to_vector<float>());
    return out;
  };
  const auto plain = parameters(variant);
  const Settings settings = variant.settings();
  for (const Setting& s : settings.list()) {
    if (!s.sampling || s.key == "guidance") continue;  // needs a condition
    std::vector<std::string> values = s.choices;
    if (values.empty()) values = {s.integer ? "3" : "0.5"};
    for (const std::string& value : values) {
      Variant other = variant;
      other.assignments.push_back(s.key + "=" + value);
      EXPECT_EQ(parameters(other), plain) << s.key << "=" << value;
    }
  }
}

TEST(SettingsOfSampling, OfAnotherKindAreRefused) {
  Settings settings("diffusion", family("diffusion").settings);
  settings.set_for_sampling("solver=heun");
  EXPECT_TRUE(settings.is("solver", "heun"));
  EXPECT_EQ(
      error_of([&] { settings.set_for_sampling("hidden=7"); }),
      "diffusion: hidden is part of what was trained; after training one can set solver, solver-steps, eta, variance, "
      "tolerance, divergence, jumps, guidance");
  EXPECT_TRUE(contains(error_of([&] { settings.set_for_sampling("solvr=heun"); }), "did you mean 'solver'?"));
  EXPECT_TRUE(contains(error_of([&] { settings.set_for_sampling("solver=hen"); }), "expected one of dopri5"));
  Settings gan("gan", family("gan").settings);
  EXPECT_EQ(error_of([&] { gan.set_for_sampling("latent=7"); }),
            "gan: latent is part of what was trained; nothing of this family can be changed afterwards");
}

TEST(SettingsOfSampling, LoadAModelThatIsEvaluatedOtherwise) {
  testing::TemporaryFolder folder;
  Rng rng(1);
  const Dataset data{.name = "moons", .train = sample_2d("moons", 300, rng), .test = sample_2d("moons", 50, rng)};
  ModelConfig config = ModelConfig::make("diffusion", data, 3);
  for (const char* a : {"hidden=16", "depth=2", "waves=0", "solver=heun", "solver-steps=8"}) config.settings.set(a);
  Model model(config, data.train);
  Trainer(model, data, {.steps = 5, .batch = 32, .picture_every = 100}, folder / "run").run();
  const Model same = load_model(folder / "run"), finer = load_model(folder / "run", {"solver-steps=64"}),
              noisy = load_model(folder / "run", {"solver=ancestral", "solver-steps=10"});
  const Tensor z = rng.normal({20, 2});
  EXPECT_EQ(same.push(z).to_vector<float>(), model.push(z).to_vector<float>());
  EXPECT_NE(finer.push(z).to_vector<float>(), model.push(z).to_vector<float>());
  EXPECT_GT(noisy.transform().base().width(), 2);
  EXPECT_TRUE(
      contains(error_of([&] { load_model(folder / "run", {"depth=3"}); }), "depth is part of what was trained"));
}

}  // namespace
}  // namespace pf
