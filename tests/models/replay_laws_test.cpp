// Training with replayed steps is training: the same losses and the same parameters, bit for bit, in every variant of every
// family. Where steps cannot be replayed the reason is written down here, so that losing or winning one is noticed.

#include <iostream>
#include <map>

#include "models/train.h"
#include "tests/models/instances.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::config_for;
using testing::dataset_for;
using testing::Variant;

struct Trained {
  std::vector<double> losses, parameters;
  std::string replay;
};

Trained train(const Variant& variant, bool replay) {
  const Dataset data = dataset_for(variant, 400);
  Model model(config_for(variant, data, 3), data.train);
  const TrainOptions options{.steps = 8, .batch = 32, .rate = 1e-3, .warmup = 10, .report_every = 1, .replay = replay};
  const TrainResult result = Trainer(model, data, options).run();
  Trained out{.replay = result.replay};
  for (auto [step, loss] : result.loss) out.losses.push_back(loss);
  for (const Field& field : fields_of(model.transform())) {
    const auto numbers = cast(field.value(), float64).to_vector<double>();
    out.parameters.insert(out.parameters.end(), numbers.begin(), numbers.end());
  }
  return out;
}

class ReplayLaws : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, ReplayLaws, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

TEST_P(ReplayLaws, replayed_training_has_the_bits_of_the_other) {
  const Trained replayed = train(GetParam(), true), plain = train(GetParam(), false);
  std::cout << GetParam().name << ": " << replayed.replay << '\n';
  EXPECT_EQ(replayed.losses, plain.losses);
  EXPECT_EQ(replayed.parameters, plain.parameters);
  EXPECT_EQ(plain.replay, "");
}

}  // namespace
}  // namespace pf
