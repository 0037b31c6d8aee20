// Every variant of every family trains on the device as it does on the CPU: the same losses from the same seed, the same
// samples from the same noise, the same densities, inverses and slopes. Sums are taken in another order there, so agreement is
// to a tolerance; every step multiplies the differences, so it is stated for the first steps, and for 200 steps of one variant of
// each family.

#include <cmath>
#include <iostream>

#include "models/train.h"
#include "tensor/ops/reduce.h"
#include "tests/cuda/parity/partial.h"
#include "tests/models/instances.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::config_for;
using testing::dataset_for;
using testing::Variant;

using Numbers = std::vector<double>;

/// What a model can be asked for; empty where its family has not got it.
struct Answers {
  Numbers samples, slopes;            // x = push(z) and the derivative of Σ x with respect to z
  Numbers densities, scores, pulled;  // of rows of the data: log p, its slope, and z
};

Answers ask(const Model& model, const Tensor& rows, const Tensor& context) {
  const auto numbers = [](const Tensor& x) { return cast(x, float64).to_vector<double>(); };
  const Transform& map = model.transform();
  const Traits traits = map.traits();
  Answers out;
  Rng rng(5);
  out.samples = numbers(model.sample(16, rng, context));
  if (traits.smooth) {
    const Variable z = tracked(map.base().sample(16, rng, float32));
    out.slopes = numbers(grad(sum(map.push(z, context)), z, {.allow_unused = true}));
  }
  if (traits.density != DensityKind::none) out.densities = numbers(model.log_density(rows, rng, context).value);
  if (traits.invertible) out.pulled = numbers(model.pull(rows, context));
  if (traits.density == DensityKind::exact && traits.invertible) {
    const Variable x = tracked(rows);
    const Mapped pulled = map.pull_with_log_det(x, context);
    out.scores = numbers(grad(sum(map.base().log_density(pulled.value) + pulled.log_det), x));
  }
  return out;
}

struct Training {
  Numbers losses;
  Answers before, after;  // of the untrained and the trained model
};

Training train_on(const Variant& variant, Device device, int64_t steps, DType precision = float32) {
  Dataset data = dataset_for(variant, 400);
  const UseDevice on(device);
  for (Tensor* x :
       {&data.train, &data.test, &data.train_labels, &data.test_labels, &data.train_context, &data.test_context})
    if (x->defined()) *x = to_device(*x, device);
  Model model(config_for(variant, data, 3), data.train);
  const Tensor context = variant.given ? slice(data.train_context, 0, 0, 16) : Tensor();
  const Tensor rows = slice(data.train, 0, 0, 16);
  Training out;
  out.before = ask(model, rows, context);
  const TrainOptions options{
      .steps = steps, .batch = 32, .rate = 1e-3, .warmup = 10, .report_every = 1, .precision = precision};
  for (auto [step, loss] : Trainer(model, data, options).run().loss) out.losses.push_back(loss);
  out.after = ask(model, rows, context);
  return out;
}

/// The largest difference relative to 1 or the size of the numbers.
double difference(const Numbers& a, const Numbers& b) {
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

constexpr std::pair<const char*, Numbers Answers::*> questions[] = {{"samples", &Answers::samples},
                                                                    {"slopes", &Answers::slopes},
                                                                    {"densities", &Answers::densities},
                                                                    {"scores", &Answers::scores},
                                                                    {"pulled", &Answers::pulled}};

void compare_first_steps(const Variant& variant) {
  const Training here = train_on(variant, Device::cpu(), 4), there = train_on(variant, Device::cuda(), 4);
  std::cout << variant.name << ": losses " << difference(here.losses, there.losses);
  EXPECT_LE(difference(here.losses, there.losses), 1e-3);
  for (const auto& [name, part] : questions) {
    if ((here.before.*part).empty()) {
      EXPECT_TRUE((there.before.*part).empty()) << name;
      continue;
    }
    const double before = difference(here.before.*part, there.before.*part),
                 after = difference(here.after.*part, there.after.*part);
    std::cout << ", " << name << ' ' << before << " and " << after;
    EXPECT_LE(before, 1e-3) << name << " of the untrained model";
    EXPECT_LE(after, 1e-2) << name << " of the trained model";
  }
  std::cout << '\n';
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
