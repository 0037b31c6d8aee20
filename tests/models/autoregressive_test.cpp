// Autoregressive models as maps: orders, schedules, conditions, derivatives, the inverse.

#include "models/autoregressive/autoregressive.h"

#include <cmath>

#include "autograd/functional.h"
#include "autograd/gradcheck.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tests/models/autoregressive_models.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::largest_difference;
using testing::to_double;

TEST(Autoregressive, JacobiIterationGivesTheSequentialSamples) {
  for (Conditional conditional : {Conditional::normal_mixture, Conditional::logistic_mixture, Conditional::bernoulli})
    for (Ordering ordering : {Ordering::natural, Ordering::reversed, Ordering::random}) {
      AutoregressiveSettings settings{.conditional = conditional, .components = 3, .hidden = 24, .ordering = ordering};
      Rng rng(5), same(5), noise(6);
      Autoregressive one(12, settings, rng);
      settings.schedule = SamplingSchedule::jacobi;
      Autoregressive other(12, settings, same);
      Rng a(7), b(7);
      to_double(one, a), to_double(other, b);
      const Tensor u = noise.uniform({40, 12}, float64);
      EXPECT_LT(largest_difference(one.push(Variable(u)).value(), other.push(Variable(u)).value()), 1e-9);
      const int64_t sweeps = other.jacobi_sweeps(u);
      EXPECT_GE(sweeps, 2);
      EXPECT_LE(sweeps, 12);
      if (conditional == Conditional::bernoulli) continue;
      // Derivatives do not depend on the schedule.
      const auto slope = [&](const Autoregressive& model) {
        const Variable at = tracked(u);
        return grad(sum(square(model.push(at))), at);
      };
      EXPECT_LT(largest_difference(slope(one), slope(other)), 1e-9);
    }
}

TEST(Autoregressive, SamplesHaveSecondDerivativesInNoiseAndParameters) {
  for (Conditional conditional : {Conditional::normal_mixture, Conditional::logistic_mixture}) {
    Rng rng(14);
    Autoregressive model(3, {.conditional = conditional, .components = 2, .hidden = 3, .depth = 1}, rng);
    to_double(model, rng);
    const std::vector<Field> parameters = parameters_of(model);
    std::vector<Tensor> inputs{rng.uniform({2, 3}, float64) * 0.6 + 0.2};
    for (const Field& field : parameters) inputs.push_back(field.value());
    const ListMap push = [&](std::span<const Variable> x) {
      for (size_t i = 0; i < parameters.size(); ++i) *parameters[i].parameter = x[i + 1];
      return model.push(x[0]);
    };
    const GradcheckReport report = gradcheck(push, inputs, {.step = 1e-4});
    EXPECT_TRUE(report.ok()) << to_string(report);
    EXPECT_GT(report.second_order, 0);
  }
}

TEST(Autoregressive, TheOrderDecidesWhoDependsOnWhom) {
  for (Ordering ordering : {Ordering::natural, Ordering::reversed, Ordering::random}) {
    Rng rng(8);
    Autoregressive model(5, {.components = 2, .hidden = 16, .ordering = ordering}, rng);
    to_double(model, rng);
    std::vector<int64_t> order{0, 1, 2, 3, 4};
    for (const Field& field : fields_of(model))
      if (field.path == "order") order = field.value().to_vector<int64_t>();
    if (ordering == Ordering::reversed) { EXPECT_EQ(order, (std::vector<int64_t>{4, 3, 2, 1, 0})); }
    const Tensor u = rng.uniform({2, 5}, float64);
    const Tensor jacobian = batch_jacobian([&](const Variable& v) { return model.push(v); }, u);
    for (int64_t i = 0; i < 5; ++i)
      for (int64_t j = 0; j < 5; ++j) {
        const double slope = jacobian.at({0, order[size_t(i)], order[size_t(j)]});
        EXPECT_EQ(slope != 0, j <= i) << i << " " << j;
        if (i == j) { EXPECT_GT(slope, 0); }
      }
    // On the way every coordinate goes to its place in that order.
    const std::vector<Tensor> way = model.path(u);
    ASSERT_EQ(way.size(), 2u + 5u);
    const Tensor x = model.push(Variable(u)).value();
    for (int64_t step = 0; step <= 5; ++step)
      for (int64_t i = 0; i < 5; ++i) {
        const double expected = i < step ? x.at({0, order[size_t(i)]}) : ndtri(u).at({0, order[size_t(i)]});
        EXPECT_EQ(way[size_t(step) + 1].at({0, order[size_t(i)]}), expected);
      }
  }
}

// Gaussian conditionals are one direction of a masked autoregressive flow: x = μ + σ Φ⁻¹(u).
TEST(Autoregressive, OneGaussianComponentIsAnAffineStepOfNormalNoise) {
  Rng rng(10);
  Autoregressive model(3, {.components = 1, .hidden = 16}, rng);
  to_double(model, rng);
  const Tensor u = rng.uniform({50, 3}, float64);
  const Tensor x = model.push(Variable(u)).value();
  const Mapped pulled = model.pull_with_log_det(Variable(x));
  const Tensor z = ndtri(pulled.value.value());
  EXPECT_LT(largest_difference(z, ndtri(u)), 1e-9);
  const Tensor jacobian = batch_jacobian([&](const Variable& v) { return ndtri(model.pull(v)); }, x);
  const Tensor by_normal_base = Normal(3).log_density(Variable(z)).value() + slogdet(jacobian).log_abs;
  EXPECT_LT(largest_difference(by_normal_base, pulled.log_det.value()), 1e-9);
}

TEST(Autoregressive, OneCoordinateIsAMixture) {
  Rng rng(11);
  Autoregressive model(1, {.components = 3, .hidden = 4}, rng);
  const Tensor u = rng.uniform({100, 1});
  EXPECT_LT(largest_difference(model.pull(model.push(Variable(u))).value(), u), 1e-5);
}

TEST(Autoregressive, NoiseAtTheEndsIsTakenAndBeyondRefused) {
  for (Conditional conditional : {Conditional::normal_mixture, Conditional::logistic_mixture})
    for (DType dtype : {float32, float64}) {
      Rng rng(12);
      Autoregressive model(2, {.conditional = conditional, .components = 2, .hidden = 4}, rng);
      if (dtype == float64) to_double(model, rng);
      const Tensor x = model.push(Variable(tensor({0, 1, 1, 0}, {2, 2}, dtype))).value();
      EXPECT_TRUE(all(isfinite(x)));
      // Far outside the data the distribution function is rounded to an end; the loss stays a number.
      const Tensor far = tensor({-1e4, 1e4}, {1, 2}, dtype);
      const Tensor u = model.pull(Variable(far)).value();
      EXPECT_GT(u.at({0, 0}), 0);
      EXPECT_LT(u.at({0, 1}), 1);
      EXPECT_TRUE(std::isfinite(MaximumLikelihood(model).loss(far, rng).item()));
      EXPECT_TRUE(contains(error_of([&] {
                             model.push(Variable(tensor({0.5, 1.5}, {1, 2}, dtype)));
                           }),
                           "autoregressive push: noise from 0.5 to 1.5: expected numbers between 0 and 1"));
    }
}

TEST(Autoregressive, ItsObjectiveIsMaximumLikelihood) {
  Rng rng(13);
  Autoregressive model(3, {.components = 3, .hidden = 8, .ordering = Ordering::random}, rng);
  const Tensor x = rng.normal({60, 3});
  EXPECT_NEAR(ConditionalLikelihood(model).loss(x, rng).item(), MaximumLikelihood(model).loss(x, rng).item(), 1e-5);
  EXPECT_TRUE(contains(error_of([&] { Autoregressive(2, {.components = 0}, rng); }),
                       "autoregressive: 0 components: expected at least 1"));
}

TEST(Autoregressive, EveryCoordinateFollowsItsCondition) {
  for (SamplingSchedule schedule : {SamplingSchedule::sequential, SamplingSchedule::jacobi}) {
    Rng rng(15);
    Autoregressive model(
        3, {.components = 2, .context = 2, .hidden = 24, .ordering = Ordering::reversed, .schedule = schedule}, rng);
    to_double(model, rng);
    const Tensor u = rng.uniform({30, 3}, float64), context = rng.normal({30, 2}, float64);
    const Tensor x = model.push(Variable(u), context).value();
    EXPECT_GT(min(abs(x - model.push(Variable(u), context + 0.5).value())).item(), 0);
    EXPECT_LT(largest_difference(model.pull(Variable(x), context).value(), u), 1e-10);
    // A row with its condition is what it is among others with theirs.
    const Tensor alone = model.push(Variable(slice(u, 0, 4, 5)), slice(context, 0, 4, 5)).value();
    EXPECT_LT(largest_difference(alone, slice(x, 0, 4, 5)), 1e-12);
    EXPECT_GE(model.jacobi_sweeps(u, context), 2);
    const LogDensity density = model.log_density(x, rng, context);
    EXPECT_LT(largest_difference(density.value, -model.push_with_log_det(Variable(u), context).log_det.value()), 1e-9);
    EXPECT_NEAR(ConditionalLikelihood(model).loss(x, rng, context).item(), -mean(density.value).item(), 1e-12);
    EXPECT_EQ(model.path(u, context).size(), 5u);
    for (const auto& call : std::initializer_list<std::function<void()>>{
             [&] { model.push(Variable(u)); }, [&] { model.pull(Variable(x)); }, [&] { model.encode(x); },
             [&] { model.log_density(x, rng); }, [&] { model.path(u); }, [&] { model.jacobi_sweeps(u); },
             [&] { model.push_with_log_det(Variable(u)); }})
      EXPECT_TRUE(contains(error_of(call), "the model is conditional: it needs a condition of 2 numbers"));
  }
}

}  // namespace
}  // namespace pf
