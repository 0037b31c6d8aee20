// The laws that matter most, over every choice of every setting: each test variant with one word of its settings changed.

#include <cmath>

#include "autograd/functional.h"
#include "nn/gradients.h"
#include "nn/module.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::error_of;
using testing::make_instance;
using testing::rows_for;
using testing::Variant;

double gap(const Tensor& a, const Tensor& b) { return max(abs(a - b) / (abs(b) + 1.0)).item(); }

/// A family's variant with one more assignment.
std::vector<Variant> with_other_words(const Variant& variant) {
  std::vector<Variant> out;
  const Settings chosen = variant.settings();
  for (const Setting& s : chosen.list()) {
    const bool stated = std::any_of(variant.assignments.begin(), variant.assignments.end(),
                                    [&](const std::string& a) { return a.starts_with(s.key + "="); });
    for (const std::string& word : s.choices) {
      if (stated || word == s.value || s.key == "variant") continue;
      // At edm's noisiest point α is 0.006: dividing by it, which other predictions than v do, makes the flow of a network
      // that has learned nothing too stiff to be judged. The other schedules judge them.
      if (s.key == "prediction" && chosen.is("variant", "edm")) continue;
      // For the same reason: near t = 1 flow matching divides by 0.05. rectified_flow_test.cpp has the law of its field.
      if (s.key == "prediction" && variant.family->name == "flow-matching") continue;
      // An error: steps that take noise of their own are not trained by such pairs.
      if (s.key == "pairing" && word == "optimal" && (chosen.is("solver", "ancestral") || chosen.is("solver", "sde")))
        continue;
      Variant other = variant;
      other.assignments.push_back(s.key + "=" + word);
      out.push_back(other);
    }
  }
  return out;
}

void expect_laws(const Variant& variant) {
  const Built built = make_instance(variant, float64, 2, 1, 1e-7);
  const Transform& map = *built.transform;
  const Traits traits = map.traits();
  const bool solved = traits.density == DensityKind::ode;
  const double close = solved ? 10 * traits.inverse_error : 1e-6;
  Rng rng(3);
  const Tensor z = map.base().sample(4, rng, float64), batch = rows_for(variant, 8, rng);
  const Map push = [&](const Variable& v) { return map.push(v); };
  if (traits.smooth) {
    const Tensor direction = rng.normal(z.shape(), float64);
    const double h = solved ? 1e-4 : 1e-6;
    const Tensor plus = map.push(Variable(z + direction * h)).value(),
                 minus = map.push(Variable(z - direction * h)).value();
    EXPECT_LT(gap(jvp(push, z, direction).tangent, (plus - minus) * (0.5 / h)), close);
  }
  if (traits.invertible) { EXPECT_LT(gap(map.pull(map.push(Variable(z))).value(), z), traits.inverse_error); }
  if (traits.smooth && (solved || traits.density == DensityKind::exact)) {
    const Mapped pushed = map.push_with_log_det(Variable(z));
    EXPECT_LT(gap(pushed.log_det.value(), slogdet(batch_jacobian(push, z)).log_abs), close);
  }
  if (traits.density != DensityKind::none) { EXPECT_TRUE(all(isfinite(map.log_density(batch, rng).value))); }
  const std::vector<Field> parameters = parameters_of(*built.transform);
  const auto [loss, gradients] = value_and_grad(
      std::span<const Field>(parameters), [&] { return built.objective->loss(batch, rng); }, {.allow_unused = true});
  EXPECT_TRUE(std::isfinite(loss.item()));
  double steepness = 0;
  for (const Tensor& g : gradients.list) {
    EXPECT_TRUE(all(isfinite(g)));
    steepness += sum(abs(g)).item();
  }
  EXPECT_GT(steepness, 0);
}

class Choices : public ::testing::TestWithParam<Variant> {};
std::vector<Variant> free_variants() {
  std::vector<Variant> out;
  for (const Variant& v : testing::all_variants())
    if (!v.given) out.push_back(v);
  return out;
}
INSTANTIATE_TEST_SUITE_P(, Choices, ::testing::ValuesIn(free_variants()), testing::name_of_variant);

TEST_P(Choices, EveryWordKeepsTheLaws) {
  for (const Variant& variant : with_other_words(GetParam())) {
    SCOPED_TRACE(variant.assignments.back());
    const std::string refusal = error_of([&] { make_instance(variant); });
    // Words that do not go together are refused in a sentence of the family's.
    if (refusal.empty()) expect_laws(variant);
    else EXPECT_TRUE(refusal.starts_with(variant.family->name + ": ")) << refusal;
  }
}

}  // namespace
}  // namespace pf
