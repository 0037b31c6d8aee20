// Training with networks in bfloat16: every variant of every family has the first loss that it has in float32, to the
// rounding of 8 bits, and goes the same way; some are trained until the loss tells; a stop changes nothing.

#include <cmath>
#include <fstream>

#include "models/train.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::config_for;
using testing::contains;
using testing::dataset_for;
using testing::error_of;
using testing::Variant;

std::vector<double> losses_of(const Variant& variant, DType precision, int64_t steps, int64_t report_every) {
  const Dataset data = dataset_for(variant, 2000);
  Model model(config_for(variant, data, 3), data.train);
  const TrainOptions options{
      .steps = steps, .batch = 128, .rate = 2e-3, .warmup = 10, .report_every = report_every, .precision = precision};
  std::vector<double> losses;
  for (auto [step, loss] : Trainer(model, data, options).run().loss) losses.push_back(loss);
  for (const Field& field : fields_of(model.transform())) EXPECT_NE(field.value().dtype(), bfloat16) << field.path;
  return losses;
}

class MixedPrecision : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, MixedPrecision, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

TEST_P(MixedPrecision, FirstStepsAreThoseOfFloat32) {
  const std::vector<double> plain = losses_of(GetParam(), float32, 6, 1), mixed = losses_of(GetParam(), bfloat16, 6, 1);
  ASSERT_EQ(plain.size(), mixed.size());
  for (size_t i = 0; i < plain.size(); ++i)  // every step multiplies the differences
    EXPECT_NEAR(mixed[i], plain[i], (i == 0 ? 0.02 : 0.15) * std::max(1.0, std::abs(plain[i]))) << "step " << i + 1;
}

class LongMixedPrecision : public ::testing::TestWithParam<Variant> {};
std::vector<Variant> three_families() {
  std::vector<Variant> out;
  for (const Variant& v : all_variants())
    if (v.name == "flow_realnvp" || v.name == "vae_gaussian" || v.name == "flow_matching_independent") out.push_back(v);
  return out;
}
INSTANTIATE_TEST_SUITE_P(, LongMixedPrecision, ::testing::ValuesIn(three_families()), testing::name_of_variant);

TEST_P(LongMixedPrecision, ReachesTheLossOfFloat32) {
  const std::vector<double> plain = losses_of(GetParam(), float32, 300, 100),
                            mixed = losses_of(GetParam(), bfloat16, 300, 100);
  const double fallen = plain.front() - plain.back();
  std::cout << GetParam().name << ": float32 " << plain.front() << " to " << plain.back() << ", bf16 " << mixed.front()
            << " to " << mixed.back() << '\n';
  EXPECT_GT(fallen, 0);
  EXPECT_NEAR(mixed.back(), plain.back(), 0.02 * std::max(1.0, std::abs(plain.back())));
}

TEST(MixedPrecisionRuns, AStopChangesNothing) {
  const testing::TemporaryFolder folder;
  const Variant variant = three_families().at(0);
  const Dataset data = dataset_for(variant, 1000);
  const ModelConfig config = config_for(variant, data, 3);
  const TrainOptions options{.steps = 12,
                             .batch = 32,
                             .rate = 2e-3,
                             .warmup = 3,
                             .report_every = 5,
                             .picture_every = 100,
                             .precision = bfloat16};
  Model whole(config, data.train), stopped(config, data.train), resumed(config, data.train);
  const TrainResult expected = Trainer(whole, data, options).run();
  int steps = 0;
  Trainer(stopped, data, options, folder / "run").run({}, [&] { return ++steps == 7; });
  const TrainOptions read = load_train_options(folder / "run");
  EXPECT_EQ(read.precision, bfloat16);
  EXPECT_EQ(Trainer(resumed, data, read, folder / "run", true).run().loss, expected.loss);
  const auto before = fields_of(whole.transform()), after = fields_of(resumed.transform());
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(cast(after[i].value(), float64).to_vector<double>(), cast(before[i].value(), float64).to_vector<double>())
        << before[i].path;
}

TEST(MixedPrecisionRuns, RefuseOtherNames) {
  EXPECT_EQ(error_of([] { parse_precision("fp8"); }), "precision 'fp8': expected float32 or bf16");
}

}  // namespace
}  // namespace pf
