// Any transform as the base of another: a coupling flow in front of every family with a normal base of its own width.

#include <cmath>

#include "models/flow/coupling.h"
#include "models/flow_matching/flow_matching.h"
#include "models/pushforward.h"
#include "models/vae/vae.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::make_instance;
using testing::Variant;

constexpr int64_t plane = 2;

std::unique_ptr<CouplingFlow> coupling() {
  Rng rng(21);
  auto flow = std::make_unique<CouplingFlow>(plane, CouplingSettings{.layers = 2, .hidden = 8}, rng);
  for (Field& field : fields_of(*flow))
    if (field.parameter)
      *field.parameter = Variable(cast(field.value() + rng.normal(field.value().shape()) * 0.1, float64));
  return flow;
}

double away(const Tensor& a, const Tensor& b) { return max(abs(a - b) / (abs(b) + 1.0)).item(); }

class Compositions : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, Compositions, ::testing::ValuesIn(testing::all_variants()), testing::name_of_variant);

TEST_P(Compositions, PushInTurnAddLogDeterminantsAndPullBack) {
  const Built second = make_instance(GetParam());
  const Distribution& base_of_second = second.transform->base();
  // Nothing can stand in front of uniform noise, or of noise with other coordinates than those of a point.
  if (!dynamic_cast<const Normal*>(&base_of_second) || base_of_second.width() != plane) return;
  const auto first = coupling();
  Built again = make_instance(GetParam());
  const Composed both(coupling(), std::move(again.transform));
  const Traits traits = both.traits(), of_second = second.transform->traits();
  Rng rng(22);
  const Variable z(rng.normal({20, plane}, float64));
  const Tensor x = both.push(z).value();
  EXPECT_LT(away(x, second.transform->push(first->push(z)).value()), 1e-12);
  EXPECT_EQ(both.width(), second.transform->width());
  EXPECT_EQ(traits.invertible, of_second.invertible);
  if (traits.invertible) { EXPECT_LT(away(both.pull(Variable(x)).value(), z.value()), traits.inverse_error); }
  if (of_second.density != DensityKind::exact && of_second.density != DensityKind::ode) return;
  const Mapped pushed = both.push_with_log_det(z), one = first->push_with_log_det(z),
               two = second.transform->push_with_log_det(one.value);
  EXPECT_LT(away(pushed.log_det.value(), (one.log_det + two.log_det).value()), 1e-12);
  const double close = of_second.density == DensityKind::ode ? 10 * of_second.inverse_error : 1e-9;
  const Mapped pulled = both.pull_with_log_det(Variable(x));
  EXPECT_LT(away(pulled.log_det.value(), -pushed.log_det.value()), 10 * close);
  // The density is that of the second map with the pushforward of the first for its base.
  const Pushforward base(coupling());
  const Mapped back = second.transform->pull_with_log_det(Variable(x));
  const Tensor by_base = (base.log_density(back.value) + back.log_det).value();
  EXPECT_LT(away((both.base().log_density(pulled.value) + pulled.log_det).value(), by_base), 10 * close);
}

TEST(Pushforward, IsADistributionAsFarAsItsMapGoes) {
  const Pushforward law(coupling());
  const auto flow = coupling();
  Rng one(3), two(3);
  const Tensor x = law.sample(50, one, float64), z = Normal(plane).sample(50, two, float64);
  EXPECT_EQ(away(x, flow->push(Variable(z)).value()), 0);
  EXPECT_LT(away(law.to_normal(x), z), 1e-9);
  EXPECT_EQ(away(law.from_normal(Variable(z)).value(), x), 0);
  EXPECT_LT(away(law.from_uniform(law.to_uniform(x)), x), 1e-6);
  const Mapped pulled = flow->pull_with_log_det(Variable(x));
  EXPECT_LT(
      away(law.log_density(Variable(x)).value(), (Normal(plane).log_density(pulled.value) + pulled.log_det).value()),
      1e-12);
  EXPECT_EQ(law.describe(), "pushforward of N(0, I) on R^2 to R^2");

  const Pushforward codes(std::make_shared<Vae>(plane, VaeSettings{.hidden = 8}, one));
  EXPECT_EQ(codes.sample(7, one).shape(), (Shape{7, plane}));
  EXPECT_TRUE(contains(error_of([&] { codes.from_normal(Variable(zeros({1, plane}))); }), "has another width"));
  EXPECT_TRUE(contains(error_of([&] { codes.log_density(Variable(zeros({1, plane}))); }), "no log-determinant"));
}

// A flow that starts from the samples of another family: its density is told of theirs.
TEST(Pushforward, IsTheBaseOfAFlow) {
  Rng rng(4);
  const auto start = std::make_shared<Pushforward>(coupling());
  FlowMatching model(start, {.hidden = 8, .depth = 1}, rng);
  for (Field& field : fields_of(model))
    if (field.parameter) *field.parameter = Variable(zeros(field.value().shape(), float64));
  // A field of zeros leaves everything where it is.
  const Tensor x = start->sample(30, rng, float64);
  EXPECT_LT(away(model.push(Variable(x)).value(), x), 1e-12);
  EXPECT_LT(away(model.log_density(x, rng).value, start->log_density(Variable(x)).value()), 1e-9);
  EXPECT_TRUE(std::isfinite(VelocityMatching(model, Pairing::independent).loss(x, rng).item()));
}

}  // namespace
}  // namespace pf
