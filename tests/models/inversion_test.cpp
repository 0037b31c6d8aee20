// Inversion by optimisation where the answer is known.

#include "models/inversion.h"

#include <cmath>

#include "models/flow/coupling.h"
#include "models/gan/generator.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/reduce.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

double largest(const Tensor& x) { return max(abs(x)).item(); }

TEST(Inversion, FindsTheInverseOfAFlow) {
  Rng rng(1);
  CouplingFlow flow(2, {.kind = CouplingKind::affine, .layers = 4, .hidden = 16}, rng);
  for (Field& field : fields_of(flow))
    if (field.parameter)
      *field.parameter = Variable(cast(field.value() + rng.normal(field.value().shape()) * 0.2, float64));
  const Tensor x = flow.push(Variable(rng.normal({100, 2}, float64))).value();
  const Inversion found = invert_by_optimisation(flow, x, {.steps = 4000});
  EXPECT_LT(largest(found.z - flow.pull(Variable(x)).value()), 1e-4);
  EXPECT_LT(largest(found.residual), 1e-4);
}

/// x = W z + b.
struct Plane {
  Tensor w = tensor({1, 0.5, -0.4, 1.2, 0.3, 0.3}, {3, 2}, float64), b = tensor({0.5, -1, 2}, {3}, float64);
  std::unique_ptr<Generator> map() const {
    Rng rng(2);
    auto out = std::make_unique<Generator>(3, 2, 1, 0, rng);
    for (Field& field : fields_of(*out)) *field.parameter = Variable(field.value().rank() == 2 ? w : b);
    return out;
  }
};

// Z6: with x = W z + b + σ ε the posterior of z is normal, so its mode is its mean M⁻¹ Wᵀ (x − b), M = WᵀW + σ² I.
TEST(Inversion, WithThePriorIsThePosteriorMeanOfALinearModel) {
  const Plane plane;
  const auto map = plane.map();
  const double sigma = 0.6;
  Rng rng(3);
  const Tensor x = rng.normal({50, 3}, float64) * 1.5;
  const Tensor m = matmul(transpose(plane.w), plane.w) + eye(2, float64) * (sigma * sigma);
  const Tensor expected = matmul(matmul(x - plane.b, plane.w), inverse(m));
  const InversionOptions options{.steps = 1500, .prior_weight = 2 * sigma * sigma};
  const Inversion found = invert_by_optimisation(*map, x, options);
  EXPECT_LT(largest(found.z - expected), 1e-4);
  // From where an encoder points as well, here nowhere near.
  InversionOptions from = options;
  from.start = zeros({50, 2}, float64) + 2.0;
  EXPECT_LT(largest(invert_by_optimisation(*map, x, from).z - expected), 1e-4);
  EXPECT_LT(largest(found.residual - sqrt(sum(square(map->push(Variable(found.z)).value() - x), -1))), 1e-12);
}

// Uniform noise: no step may leave the cube, and the prior pulls towards its middle.
TEST(Inversion, StaysInsideTheSupportOfTheBase) {
  const testing::Variant variant{"autoregressive", &family("autoregressive"), {"components=3", "hidden=16"}};
  const Built built = testing::make_instance(variant);
  Rng rng(4);
  const Tensor u = rng.uniform({40, 2}, float64), x = built.transform->push(Variable(u)).value();
  const Inversion found = invert_by_optimisation(*built.transform, x, {.steps = 1500});
  EXPECT_LT(largest(found.z - u), 1e-3);
  const Inversion far = invert_by_optimisation(*built.transform, zeros({1, 2}, float64) + 50.0, {.steps = 50});
  EXPECT_TRUE(all(logical_and(far.z > 0.0, far.z < 1.0)));
  const Inversion drawn = invert_by_optimisation(*built.transform, x, {.steps = 400, .prior_weight = 1e4});
  EXPECT_LT(largest(drawn.z - 0.5), 0.01);
}

// Step functions are followed by their relaxed maps: whole numbers that the map can give are found, exactly.
TEST(Inversion, FollowsRelaxedMapsToWholeNumbers) {
  for (const char* kind : {"categorical", "bernoulli", "discretised-logistic"}) {
    const testing::Variant variant{kind, &family("autoregressive"), {join("variant=", kind), "hidden=16"}};
    const Built built = testing::make_instance(variant, float64, 6);
    Rng rng(5);
    const Tensor x = built.transform->push(Variable(rng.uniform({60, 6}, float64))).value();
    // One candidate for all, so that what is found is found by walking.
    const InversionOptions options{.candidates = 1};
    const Inversion before = invert_by_optimisation(*built.transform, x, {.candidates = 1, .steps = 0}),
                    found = invert_by_optimisation(*built.transform, x, options);
    const auto exact = [](const Inversion& i) { return mean(cast(equal(i.residual, 0.0), float64)).item(); };
    EXPECT_LT(exact(before), 0.3) << kind;
    EXPECT_GT(exact(found), 0.9) << kind;
    EXPECT_LT(largest(built.transform->push(Variable(found.z)).value() - x) - largest(found.residual), 1e-12);
  }
}

TEST(Inversion, Errors) {
  const auto map = Plane().map();
  EXPECT_TRUE(contains(error_of([&] {
                         invert_by_optimisation(*map, zeros({1, 3}, float64), {.prior_weight = -1});
                       }),
                       "a weight of -1 for log p0: expected 0 or more"));
  EXPECT_TRUE(contains(error_of([&] {
                         invert_by_optimisation(*map, zeros({4, 3}, float64), {.start = zeros({1, 2})});
                       }),
                       "inversion: start [1, 2]: expected [4, 2]"));
  EXPECT_EQ(invert_by_optimisation(*map, zeros({0, 3}, float64)).z.shape(), (Shape{0, 2}));
}

}  // namespace
}  // namespace pf
