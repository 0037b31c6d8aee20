// Every variant of every family trains on the device as it does on the CPU: the same losses from the same seed, the same
// samples from the same noise. Sums are taken in another order there, so agreement is to a tolerance; every step multiplies the
// differences, so it is stated for the first steps, and for 200 steps of one variant of each family.

#include <cmath>
#include <iostream>

#include "models/train.h"
#include "tests/cuda/parity/partial.h"
#include "tests/models/instances.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::config_for;
using testing::dataset_for;
using testing::Variant;

struct Training {
  std::vector<double> losses;
  std::vector<double> before, after;  // samples of the untrained and the trained model
};

Training train_on(const Variant& variant, Device device, int64_t steps, DType precision = float32) {
  Dataset data = dataset_for(variant, 400);
  const UseDevice on(device);
  for (Tensor* x :
       {&data.train, &data.test, &data.train_labels, &data.test_labels, &data.train_context, &data.test_context})
    if (x->defined()) *x = to_device(*x, device);
  Model model(config_for(variant, data, 3), data.train);
  const Tensor context = variant.given ? slice(data.train_context, 0, 0, 16) : Tensor();
  const auto samples = [&] {
    Rng rng(5);
    return cast(model.sample(16, rng, context), float64).to_vector<double>();
  };
  Training out;
  out.before = samples();
  const TrainOptions options{
      .steps = steps, .batch = 32, .rate = 1e-3, .warmup = 10, .report_every = 1, .precision = precision};
  for (auto [step, loss] : Trainer(model, data, options).run().loss) out.losses.push_back(loss);
  out.after = samples();
  return out;
}

/// The largest difference relative to 1 or the size of the numbers.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(a[i] - b[i]) / std::max({1.0, std::abs(a[i]), std::abs(b[i])});
    worst = std::max(worst, error <= 1e300 ? error : INFINITY);
  }
  return worst;
}

class FamilyParity : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, FamilyParity, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

void compare_first_steps(const Variant& variant) {
  const Training here = train_on(variant, Device::cpu(), 4), there = train_on(variant, Device::cuda(), 4);
  std::cout << variant.name << ": samples " << difference(here.before, there.before) << ", losses "
            << difference(here.losses, there.losses) << ", samples after training "
            << difference(here.after, there.after) << '\n';
  EXPECT_LE(difference(here.before, there.before), 1e-3);
  EXPECT_LE(difference(here.losses, there.losses), 1e-3);
}

/// Runs a comparison, or skips it where the library was built without a kernel that it needs.
template <class Comparison> void unless_left_out(const Comparison& comparison) {
  try {
    comparison();
    ++testing::operations_compared();
  } catch (const Error& e) {
    if (!testing::is_left_out(e)) throw;
    GTEST_SKIP() << e.what();
  }
}

TEST_P(FamilyParity, first_steps_and_samples) {
  unless_left_out([] { compare_first_steps(GetParam()); });
}

/// With networks in bfloat16 a difference of rounding is one of 2⁻⁸.
TEST_P(FamilyParity, first_steps_of_mixed_precision) {
  unless_left_out([] {
    const Training here = train_on(GetParam(), Device::cpu(), 3, bfloat16);
    const Training there = train_on(GetParam(), Device::cuda(), 3, bfloat16);
    std::cout << GetParam().name << ": losses " << difference(here.losses, there.losses) << '\n';
    EXPECT_LE(difference(here.losses, there.losses), 2e-2);
  });
}

/// The first variant of each family.
std::vector<Variant> one_of_each() {
  std::vector<Variant> out;
  for (const Variant& v : all_variants())
    if (out.empty() || out.back().family != v.family) out.push_back(v);
  return out;
}

class LongFamilyParity : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, LongFamilyParity, ::testing::ValuesIn(one_of_each()), testing::name_of_variant);

TEST_P(LongFamilyParity, two_hundred_steps) {
  const Training here = train_on(GetParam(), Device::cpu(), 200), there = train_on(GetParam(), Device::cuda(), 200);
  ASSERT_EQ(here.losses.size(), there.losses.size());
  double early = 0, late = 0;
  for (size_t i = 0; i < here.losses.size(); ++i) {
    const double error = std::abs(here.losses[i] - there.losses[i]) / std::max(1.0, std::abs(here.losses[i]));
    (i < 50 ? early : late) = std::max(i < 50 ? early : late, error);
  }
  std::cout << GetParam().name << ": losses of steps 1 to 50 within " << early << ", of 51 to 200 within " << late
            << '\n';
  EXPECT_LE(early, 5e-3);
  EXPECT_LE(late, 5e-2);
}

}  // namespace
}  // namespace pf
