// The parts of autoregressive models: quantiles of mixtures far into the tails, masks, orders, both ways of sampling.

#include "models/autoregressive/autoregressive.h"

#include <cmath>

#include "autograd/functional.h"
#include "autograd/gradcheck.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

void to_double(Autoregressive& model, Rng& rng, double noise = 0.3) {
  for (Field& field : fields_of(model)) {
    if (!is_floating(field.value().dtype())) continue;
    if (field.parameter)
      *field.parameter = Variable(cast(field.value(), float64) + rng.normal(field.value().shape(), float64) * noise);
    else *field.buffer = cast(field.value(), float64);
  }
}

void set_field(Autoregressive& model, const std::string& path, const Tensor& value) {
  for (Field& field : fields_of(model))
    if (field.path == path) {
      ASSERT_EQ(field.value().shape(), value.shape()) << path;
      *field.parameter = Variable(value);
      return;
    }
  FAIL() << "no field " << path;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return max(abs(cast(a, float64) - cast(b, float64))).item();
}

constexpr Component components[] = {Component::normal, Component::logistic};

ConditionalMixture random_mixture(Component component, int64_t n, int64_t k, Rng& rng, DType dtype = float64) {
  return {component, rng.normal({n, k}, dtype), rng.normal({n, k}, dtype) * 2.0, rng.normal({n, k}, dtype) * 0.7};
}

TEST(MixtureQuantile, IsTheInverseOfTheDistributionFunction) {
  for (Component component : components) {
    Rng rng(1);
    const ConditionalMixture mixture = random_mixture(component, 5000, 5, rng);
    const Tensor u = rng.uniform({5000}, float64);
    EXPECT_LT(largest_difference(mixture.cdf(mixture.quantile(u)).value(), u), 1e-14);
    // Narrow components far apart: flat between them, and one of no weight.
    const Tensor many = expand(tensor({0, -3, -800}, {1, 3}, float64), {5000, 3}),
                 apart = expand(tensor({-50, 20, 1e6}, {1, 3}, float64), {5000, 3});
    const ConditionalMixture steps{component, many, apart, full({5000, 3}, -4, float64)};
    EXPECT_LT(largest_difference(steps.cdf(steps.quantile(u)).value(), u), 1e-12);
    const Tensor single = cast(u, float32);
    const ConditionalMixture rounded = random_mixture(component, 5000, 5, rng, float32);
    EXPECT_LT(largest_difference(rounded.cdf(rounded.quantile(single)).value(), single), 2e-6);
  }
}

TEST(MixtureQuantile, HoldsFarInTheTails) {
  for (Component component : components) {
    Rng rng(2);
    std::vector<double> u, mirrored;
    for (int i = 1; i < 60; ++i) u.push_back(std::pow(10, -0.25 * i));
    for (int i = 1; i < 60; ++i) u.push_back(1 - std::pow(10, -0.25 * i));
    const int64_t n = int64_t(u.size());
    // One component: its own quantile.
    const ConditionalMixture one{component, zeros({n, 1}, float64), full({n, 1}, 0.7, float64),
                                 full({n, 1}, std::log(2.5), float64)};
    const Tensor at = tensor(u, float64);
    const Tensor expected = (component == Component::normal ? ndtri(at) : logit(at)) * 2.5 + 0.7;
    EXPECT_LT(largest_difference(one.quantile(at).value(), expected), 1e-9);
    // Several: the lower tail to a small part of itself.
    const ConditionalMixture several = random_mixture(component, n, 4, rng);
    const Tensor back = several.cdf(several.quantile(at)).value();
    for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(back.at({i}) / u[size_t(i)], 1, 1e-11) << u[size_t(i)];
  }
}

TEST(MixtureQuantile, HasImplicitDerivativesOfFirstAndSecondOrder) {
  for (Component component : components) {
    Rng rng(3);
    const ConditionalMixture m = random_mixture(component, 4, 3, rng);
    const Tensor u = tensor({0.03, 0.4, 0.6, 0.97}, float64);
    const ListMap quantile = [&](std::span<const Variable> x) {
      return ConditionalMixture{component, x[1], x[2], x[3]}.quantile(x[0]);
    };
    const GradcheckReport report =
        gradcheck(quantile, {u, m.log_weights.value(), m.means.value(), m.log_scales.value()});
    EXPECT_TRUE(report.ok()) << to_string(report);
    // ∂x/∂u = 1/p(x)
    const Variable at = tracked(u), x = m.quantile(at);
    const Tensor slope = grad(sum(x), at), density = exp(m.log_density(Variable(x.value()))).value();
    EXPECT_LT(largest_difference(slope * density, ones({4}, float64)), 1e-12);
  }
}

TEST(Made, OutputsSeeOnlyWhatComesBeforeAndTheSequenceIsTheSameNetwork) {
  for (int64_t hidden : {3, 20}) {  // fewer units than coordinates, and more
    Rng rng(4);
    Made made(7, 2, hidden, 3, rng);
    for (MaskedLinear& layer : made.layers) {
      layer.weight = cast(layer.weight.value() + rng.normal(layer.weight.shape()), float64);
      layer.mask = cast(layer.mask, float64);
      layer.bias = rng.normal(layer.bias.shape(), float64);
    }
    const Tensor x = rng.normal({3, 7}, float64), y = made(Variable(x)).value();
    const Tensor jacobian = batch_jacobian([&](const Variable& v) { return reshape(made(v), {3, 14}); }, x);
    int64_t seen = 0;
    for (int64_t i = 0; i < 7; ++i)
      for (int64_t j = 0; j < 7; ++j) {
        const double slope = std::abs(jacobian.at({0, 2 * i, j})) + std::abs(jacobian.at({0, 2 * i + 1, j}));
        if (j >= i) {
          EXPECT_EQ(slope, 0) << i << " " << j;
        } else {
          seen += slope > 0;
        }
      }
    EXPECT_GE(seen, hidden > 7 ? 21 : 10);
    MadeSequence sequence(made, 3);
    for (int64_t i = 0; i < 7; ++i) {
      const Variable next = i ? sequence.next(Variable(slice(x, 1, i - 1, i))) : sequence.next();
      EXPECT_LT(largest_difference(next.value(), pick(y, 1, i)), 1e-12) << i;
    }
  }
}

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

// Two binary variables with P = [[0.1, 0.3], [0.35, 0.25]]: everything by enumeration.
TEST(Autoregressive, TwoBinaryVariablesHaveTheProbabilitiesOfTheirTable) {
  const double p[2][2] = {{0.1, 0.3}, {0.35, 0.25}};
  Rng rng(9);
  Autoregressive model(2, {.conditional = Conditional::bernoulli, .hidden = 1, .depth = 1}, rng);
  to_double(model, rng, 0);
  auto log_odds = [](double q) { return std::log(q / (1 - q)); };
  // The one hidden unit is silu(4 x₁): 0, or a known number.
  const double off = log_odds(p[0][1] / 0.4), on = log_odds(p[1][1] / 0.6), unit = 4 / (1 + std::exp(-4.0));
  set_field(model, "made.layers.0.weight", tensor({4, 0}, {1, 2}, float64));
  set_field(model, "made.layers.0.bias", zeros({1}, float64));
  set_field(model, "made.layers.1.weight", tensor({0, (on - off) / unit}, {2, 1}, float64));
  set_field(model, "made.layers.1.bias", tensor({log_odds(0.6), off}, float64));
  const Tensor outcomes = tensor({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}, float64);
  const LogDensity density = model.log_density(outcomes, rng);
  EXPECT_EQ(density.kind, DensityKind::exact);
  // The map is a step function on the unit square, and the probabilities are the areas of its steps.
  std::vector<double> grid;
  const int64_t cells = 400;
  for (int64_t i = 0; i < cells * cells; ++i) {
    grid.push_back((double(i / cells) + 0.5) / double(cells));
    grid.push_back((double(i % cells) + 0.5) / double(cells));
  }
  const std::vector<double> x =
      model.push(Variable(tensor(grid, {cells * cells, 2}, float64))).value().to_vector<double>();
  double area[2][2] = {};
  for (size_t i = 0; i < x.size(); i += 2) area[int(x[i])][int(x[i + 1])] += 1.0 / double(cells * cells);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(std::exp(density.value.at({i})), p[i / 2][i % 2], 1e-12);
    EXPECT_NEAR(area[i / 2][i % 2], p[i / 2][i % 2], 3.0 / double(cells));
  }
  // The middle of the box of (0, 1): u₁ between 0.6 and 1, u₂ below 0.75.
  const Tensor middle = model.encode(tensor({0, 1}, {1, 2}, float64));
  EXPECT_NEAR(middle.at({0, 0}), 0.8, 1e-12);
  EXPECT_NEAR(middle.at({0, 1}), 0.375, 1e-12);
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

}  // namespace
}  // namespace pf
