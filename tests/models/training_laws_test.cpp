// What must hold of the training of every family: its first losses are the recorded ones, and the loss falls.

#include <array>
#include <cmath>
#include <map>

#include "models/metrics/energy_distance.h"
#include "models/train.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::dataset_for;
using testing::Variant;

class TrainingLaws : public ::testing::TestWithParam<Variant> {
 protected:
  std::vector<double> train(int64_t steps, int64_t report_every) const {
    const Dataset data = dataset_for(GetParam(), 4000);
    ModelConfig config = ModelConfig::make(GetParam().family->name, data, 3);
    for (const std::string& a : GetParam().assignments) config.settings.set(a);
    Model model(config, data.train);
    const TrainOptions options{.steps = steps, .batch = 128, .rate = 2e-3, .warmup = 10, .report_every = report_every};
    std::vector<double> losses;
    for (auto [step, loss] : Trainer(model, data, options).run().loss) losses.push_back(loss);
    return losses;
  }
};
INSTANTIATE_TEST_SUITE_P(, TrainingLaws, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

// Ten steps at batch 128 from seed 3. A change here is a change of what is trained: record anew only when that was meant.
const std::map<std::string, std::array<double, 10>> recorded = {
    {"vae_gaussian",
     {51.95657, 33.73224, 30.66396, 20.01299, 22.04796, 22.65647, 17.81971, 15.64981, 14.40707, 15.11438}},
    {"vae_bernoulli",
     {5.896198, 4.6776, 4.307194, 4.809081, 4.155593, 3.628569, 3.921334, 3.74551, 3.762601, 3.745938}},
    {"flow_spline",
     {2.947728, 2.911023, 2.798214, 2.700971, 2.575686, 2.663571, 2.693786, 2.716687, 2.619068, 2.576944}},
    {"flow_realnvp", {2.9552, 3.012595, 2.956422, 2.86912, 2.751919, 2.775266, 2.723399, 2.798237, 2.667873, 2.64278}},
    {"flow_spline_ar",
     {2.809551, 2.835784, 2.739357, 2.65278, 2.569029, 2.626572, 2.642172, 2.675039, 2.576276, 2.54178}},
    {"flow_maf", {2.871819, 2.940882, 2.88186, 2.824335, 2.67596, 2.730246, 2.690882, 2.752743, 2.632255, 2.632287}},
    {"flow_iaf", {2.871819, 2.94062, 2.8816, 2.824432, 2.676589, 2.730914, 2.691639, 2.753503, 2.632703, 2.632741}},
    {"flow_matching_ot",
     {1.752949, 2.133906, 1.497268, 1.175214, 1.170801, 1.391315, 1.221972, 0.9739293, 0.67546, 0.9056246}},
    {"flow_matching_independent",
     {4.745973, 5.210648, 4.503091, 4.527994, 4.757147, 4.314467, 4.339657, 4.674666, 4.056263, 3.714695}},
};

TEST_P(TrainingLaws, FirstLossesAreTheRecordedOnes) {
  const std::vector<double> losses = train(10, 1);
  ASSERT_EQ(losses.size(), 10u);
  const auto known = recorded.find(GetParam().name);
  std::string found = "    {\"" + GetParam().name + "\", {";
  for (double loss : losses) {
    char text[32];
    std::snprintf(text, sizeof text, "%.7g, ", loss);
    found += text;
  }
  found.replace(found.size() - 2, 2, "}},");
  ASSERT_NE(known, recorded.end()) << "no losses are recorded; these were found:\n" << found;
  for (size_t i = 0; i < 10; ++i)
    ASSERT_NEAR(losses[i] / known->second[i], 1, 1e-4) << "step " << i + 1 << "; found:\n" << found;
}

/// The loss of a game says nothing about its progress: there it is the distance of samples and data that falls.
TEST_P(TrainingLaws, TheLossFalls) {
  const Dataset data = dataset_for(GetParam(), 4000);
  ModelConfig config = ModelConfig::make(GetParam().family->name, data, 3);
  for (const std::string& a : GetParam().assignments) config.settings.set(a);
  Model model(config, data.train);
  auto distance = [&] {
    Rng rng(5);
    return energy_distance(model.sample(1000, rng), slice(data.test, 0, 0, 1000)).value;
  };
  const double before = distance();
  const TrainOptions options{.steps = 400, .batch = 128, .rate = 2e-3, .warmup = 10, .ema = 0.98, .report_every = 40};
  const auto losses = Trainer(model, data, options).run().loss;
  if (model.objective().opponent()) EXPECT_LT(distance(), 0.5 * before);
  else EXPECT_LT(losses.back().second, losses.front().second - 0.05 * std::abs(losses.front().second));
}

}  // namespace
}  // namespace pf
