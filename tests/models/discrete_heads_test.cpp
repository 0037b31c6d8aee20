// Autoregressive models of whole numbers: probabilities by enumeration, the boxes of noise that lead to a point, and the
// randomised inverse.

#include "models/autoregressive/discrete_heads.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "autograd/op_check.h"
#include "models/autoregressive/discretised_logistic.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tests/models/autoregressive_models.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::largest_difference;
using testing::same_bits;
using testing::set_field;
using testing::to_double;

using Table = std::vector<std::vector<double>>;  // P(x₁, x₂)

/// All pairs of whole numbers below `levels`, as rows.
Tensor all_pairs(int64_t levels) {
  std::vector<double> out;
  for (int64_t i = 0; i < levels * levels; ++i) out.insert(out.end(), {double(i / levels), double(i % levels)});
  return tensor(out, {levels * levels, 2}, float64);
}

/// A categorical model with exactly these probabilities: one hidden unit for each value of x₁, silu(4) where it is that
/// value and 0 elsewhere.
Autoregressive model_of(const Table& p) {
  const int64_t n = int64_t(p.size());
  Rng rng(9);
  Autoregressive model(2, {.conditional = Conditional::categorical, .levels = n, .hidden = n, .depth = 1}, rng);
  to_double(model, rng, 0);
  const double unit = 4 / (1 + std::exp(-4.0));
  std::vector<double> first(size_t(n * 2 * n)), second(size_t(2 * n * n)), bias(size_t(2 * n));
  for (int64_t i = 0; i < n; ++i) {
    double marginal = 0;
    for (double q : p[size_t(i)]) marginal += q;
    first[size_t(i * 2 * n + i)] = 4;
    bias[size_t(i)] = std::log(marginal);
    for (int64_t j = 0; j < n; ++j)
      second[size_t((n + j) * n + i)] = std::log(p[size_t(i)][size_t(j)] / marginal) / unit;
  }
  set_field(model, "network.layers.0.weight", tensor(first, {n, 2 * n}, float64));
  set_field(model, "network.layers.0.bias", zeros({n}, float64));
  set_field(model, "network.layers.1.weight", tensor(second, {2 * n, n}, float64));
  set_field(model, "network.layers.1.bias", tensor(bias, float64));
  return model;
}

const Table two_by_two{{0.1, 0.3}, {0.35, 0.25}};
const Table three_by_three{{0.05, 0.2, 0.1}, {0.15, 0.02, 0.08}, {0.1, 0.29, 0.01}};

// Everything by enumeration: the map is a step function on the unit square, and the probabilities are the areas of its steps.
TEST(Categorical, AModelOfATableHasItsProbabilities) {
  for (const Table& p : {two_by_two, three_by_three}) {
    const Autoregressive model = model_of(p);
    const int64_t levels = int64_t(p.size()), cells = 400;
    Rng rng(1);
    const Tensor pairs = all_pairs(levels), log_p = model.log_density(pairs, rng).value;
    std::vector<double> grid;
    for (int64_t i = 0; i < cells * cells; ++i)
      grid.insert(grid.end(), {(double(i / cells) + 0.5) / double(cells), (double(i % cells) + 0.5) / double(cells)});
    const Tensor u = tensor(grid, {cells * cells, 2}, float64);
    const std::vector<double> x = model.push(Variable(u)).value().to_vector<double>();
    Table area(p.size(), std::vector<double>(p.size()));
    for (size_t i = 0; i < x.size(); i += 2) area[size_t(x[i])][size_t(x[i + 1])] += 1 / double(cells * cells);
    const Tensor middle = model.encode(pairs);
    for (int64_t i = 0; i < levels * levels; ++i) {
      const size_t a = size_t(i / levels), b = size_t(i % levels);
      EXPECT_NEAR(std::exp(log_p.at({i})), p[a][b], 1e-12);
      EXPECT_NEAR(area[a][b], p[a][b], 4.0 / double(cells));
      // The middle of the box: F(x₁ − 1) + ½ P(x₁), and the same of x₂ given x₁.
      double below = 0, marginal = 0, before = 0;
      for (size_t k = 0; k < a; ++k)
        for (double q : p[k]) below += q;
      for (double q : p[a]) marginal += q;
      for (size_t k = 0; k < b; ++k) before += p[a][k];
      EXPECT_NEAR(middle.at({i, 0}), below + marginal / 2, 1e-12);
      EXPECT_NEAR(middle.at({i, 1}), (before + p[a][b] / 2) / marginal, 1e-12);
    }
  }
}

// Doubling the logits tempers each conditional, which is not the tempered joint distribution.
TEST(Categorical, TemperingTheConditionalsIsNotTemperingTheJoint) {
  Autoregressive model = model_of(two_by_two);
  for (Field& field : fields_of(model))
    if (field.path.starts_with("network.layers.1.") && field.parameter)
      *field.parameter = Variable(field.value() * 2.0);
  Rng rng(1);
  const Tensor p = exp(model.log_density(all_pairs(2), rng).value);
  const double per_conditional[] = {0.0308, 0.2769, 0.4584, 0.2339}, joint[] = {0.0351, 0.3158, 0.4298, 0.2193};
  double squares = 0;
  for (const auto& row : two_by_two)
    for (double q : row) squares += q * q;
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(p.at({i}), per_conditional[i], 5e-5);
    EXPECT_NEAR(std::pow(two_by_two[size_t(i / 2)][size_t(i % 2)], 2) / squares, joint[i], 5e-5);
  }
}

// Two binary variables with one logit each.
TEST(Bernoulli, TwoBinaryVariablesHaveTheProbabilitiesOfTheirTable) {
  Rng rng(9);
  Autoregressive model(2, {.conditional = Conditional::bernoulli, .hidden = 1, .depth = 1}, rng);
  to_double(model, rng, 0);
  auto log_odds = [](double q) { return std::log(q / (1 - q)); };
  // The one hidden unit is silu(4 x₁): 0, or a known number.
  const double off = log_odds(0.3 / 0.4), on = log_odds(0.25 / 0.6), unit = 4 / (1 + std::exp(-4.0));
  set_field(model, "network.layers.0.weight", tensor({4, 0}, {1, 2}, float64));
  set_field(model, "network.layers.0.bias", zeros({1}, float64));
  set_field(model, "network.layers.1.weight", tensor({0, (on - off) / unit}, {2, 1}, float64));
  set_field(model, "network.layers.1.bias", tensor({log_odds(0.6), off}, float64));
  const LogDensity density = model.log_density(all_pairs(2), rng);
  EXPECT_EQ(density.kind, DensityKind::exact);
  const int64_t n = 100000;
  const std::vector<double> x = model.push(Variable(rng.uniform({n, 2}, float64))).value().to_vector<double>();
  double share[2][2] = {};
  for (size_t i = 0; i < x.size(); i += 2) share[int(x[i])][int(x[i + 1])] += 1 / double(n);
  for (int64_t i = 0; i < 4; ++i) {
    const double p = two_by_two[size_t(i / 2)][size_t(i % 2)];
    EXPECT_NEAR(std::exp(density.value.at({i})), p, 1e-12);
    EXPECT_NEAR(share[i / 2][i % 2], p, 5 * std::sqrt(p * (1 - p) / double(n)));
  }
  // The middle of the box of (0, 1): u₁ between 0.6 and 1, u₂ below 0.75.
  const Tensor middle = model.encode(tensor({0, 1}, {1, 2}, float64));
  EXPECT_NEAR(middle.at({0, 0}), 0.8, 1e-12);
  EXPECT_NEAR(middle.at({0, 1}), 0.375, 1e-12);
}

TEST(DiscretisedLogistic, IsTheMassBetweenTheHalves) {
  EXPECT_TRUE([] {
    for (const OpCheck& check : check_op(pointwise_entry<DiscretisedLogisticTerm>()))
      if (!check.ok()) {
        ADD_FAILURE() << to_string(check);
        return false;
      }
    return true;
  }());
  for (int64_t levels : {2, 5, 256}) {
    Rng rng(2);
    const auto head = discretised_logistic_head(3, levels);
    const Tensor output = rng.normal({1, 9}, float64);
    double total = 0;
    for (int64_t x = 0; x < levels; ++x) {
      const Tensor at = full({1}, double(x), float64);
      const double p = std::exp(head->log_density(Variable(output), Variable(at)).value().at({0}));
      const NoiseInterval interval = head->interval(output, at);
      EXPECT_NEAR(p, interval.high.at({0}) - interval.low.at({0}), 1e-12) << x << " of " << levels;
      EXPECT_NEAR(interval.low.at({0}), total, 1e-12);
      total += p;
      // Just inside the interval and just beyond its end.
      auto of = [&](double u) {
        return head->quantile(Variable(output), Variable(full({1}, u, float64))).value().at({0});
      };
      EXPECT_EQ(of(interval.low.at({0})), double(x));
      if (x + 1 < levels) { EXPECT_EQ(of(interval.high.at({0})), double(x + 1)); }
    }
    EXPECT_NEAR(total, 1, 1e-12);
  }
}

TEST(DiscretisedLogistic, HasNumbersFarFromItsComponents) {
  for (DType dtype : {float32, float64}) {
    const auto head = discretised_logistic_head(1, 256);
    for (double mean : {-30.0, 30.0}) {
      const Variable output = tracked(tensor({0, mean, -7}, {1, 3}, dtype));
      for (double x : {0, 1, 254, 255}) {
        const Variable log_p = head->log_density(output, Variable(full({1}, x, dtype)));
        EXPECT_TRUE(std::isfinite(log_p.value().at({0}))) << x;
        EXPECT_TRUE(all(isfinite(grad(sum(log_p), output)))) << x;
      }
    }
  }
}

constexpr Conditional discrete[] = {Conditional::bernoulli, Conditional::categorical,
                                    Conditional::discretised_logistic};

/// The largest distance between the distribution of these numbers and the uniform one on (0, 1).
double kolmogorov_distance(std::vector<double> u) {
  std::sort(u.begin(), u.end());
  double worst = 0;
  const double n = double(u.size());
  for (size_t i = 0; i < u.size(); ++i) worst = std::max({worst, u[i] - double(i) / n, double(i + 1) / n - u[i]});
  return worst;
}

TEST(RandomisedInverse, LeadsBackExactlyAndIsUniformForDataOfTheModel) {
  const int64_t n = 1500, width = 3;
  for (Conditional conditional : discrete)
    for (auto [network, schedule, dtype] : {std::tuple{NetworkKind::made, SamplingSchedule::sequential, float32},
                                            {NetworkKind::made, SamplingSchedule::jacobi, float64},
                                            {NetworkKind::transformer, SamplingSchedule::sequential, float64},
                                            {NetworkKind::transformer, SamplingSchedule::jacobi, float32}}) {
      Rng rng(6);
      Autoregressive model(width,
                           {.conditional = conditional,
                            .components = 2,
                            .levels = 4,
                            .context = 1,
                            .network = network,
                            .hidden = 12,
                            .ordering = Ordering::random,
                            .schedule = schedule},
                           rng);
      to_double(model, rng, 0.5);
      for (Field& field : fields_of(model)) {
        if (field.parameter) *field.parameter = Variable(cast(field.value(), dtype));
        else if (is_floating(field.value().dtype())) *field.buffer = cast(field.value(), dtype);
      }
      const Tensor context = rng.normal({n, 1}, dtype);
      const Tensor x = model.push(Variable(rng.uniform({n, width}, dtype)), context).value();
      const Tensor u = model.randomised_inverse(x, rng, context);
      EXPECT_TRUE(same_bits(model.push(Variable(u), context).value(), x));
      // One uniform sample in 8000 is farther than 2.2/√n.
      for (int64_t i = 0; i < width; ++i)
        EXPECT_LT(kolmogorov_distance(cast(contiguous(pick(u, 1, i)), float64).to_vector<double>()),
                  2.2 / std::sqrt(double(n)));
      // It is random inside of the box, whose middle `encode` gives.
      EXPECT_FALSE(same_bits(model.randomised_inverse(x, rng, context), u));
      EXPECT_TRUE(same_bits(model.push(Variable(model.encode(x, context)), context).value(), x));
    }
}

TEST(RandomisedInverse, OfRealNumbersIsTheInverse) {
  Rng rng(4);
  const Autoregressive model(2, {.components = 2, .hidden = 8}, rng);
  const Tensor x = rng.normal({20, 2});
  EXPECT_TRUE(same_bits(model.randomised_inverse(x, rng), model.pull(Variable(x)).value()));
}

TEST(DiscreteHeads, ExplainWhatTheyCannotTake) {
  Rng rng(5);
  const Autoregressive model(2, {.conditional = Conditional::categorical, .levels = 3, .hidden = 8}, rng);
  EXPECT_TRUE(contains(error_of([&] {
                         model.log_density(tensor({0, 3}, {1, 2}), rng);
                       }),
                       "autoregressive log_density: numbers from 0 to 3: expected whole numbers from 0 to 2"));
  EXPECT_TRUE(contains(error_of([&] {
                         model.encode(tensor({0.5, 1}, {1, 2}));
                       }),
                       "expected whole numbers from 0 to 2"));
  EXPECT_TRUE(
      contains(error_of([&] { categorical_head(1); }), "whole numbers with 1 level: expected data of at least 2"));
}

// With smoothed steps: shares add up to one, their mean rises with u from one level to the next, and a coin is the binary
// Concrete distribution, σ((logit π − logit u)/τ).
TEST(Shares, AreWhatLiesBetweenSmoothSteps) {
  Rng rng(31);
  const Tensor u = unsqueeze(linspace(0.001, 0.999, 200, float64), 1);
  for (const Conditional kind : {Conditional::categorical, Conditional::discretised_logistic}) {
    const auto head = make_head(kind, 3, 6);
    const Tensor output = expand(rng.normal({1, 1, head->outputs()}, float64), {200, 1, head->outputs()});
    for (double temperature : {1.0, 0.05}) {
      const Variable shares = head->shares(Variable(output), Variable(u), temperature);
      EXPECT_EQ(shares.shape(), (Shape{200, 1, 6}));
      EXPECT_GE(min(shares.value()).item(), -1e-15);
      EXPECT_LT(max(abs(sum(shares.value(), -1) - 1.0)).item(), 1e-12);
      const Tensor level = squeeze(mean_level(shares).value(), 1);
      EXPECT_GE(min(slice(level, 0, 1) - slice(level, 0, 0, 199)).item(), -1e-15);
    }
  }
  const auto coin = bernoulli_head();
  const double logit = 0.7, temperature = 0.4;
  const Tensor relaxed =
      coin->relaxed_quantile(Variable(full({200, 1, 1}, logit, float64)), Variable(u), temperature).value();
  for (int64_t i = 0; i < 200; i += 20) {
    const double at = u.at({i, 0}), expected = 1 / (1 + std::exp(-(logit - std::log(at / (1 - at))) / temperature));
    EXPECT_NEAR(relaxed.at({i, 0}), expected, 1e-12);
  }
  EXPECT_TRUE(
      contains(error_of([&] {
                 make_head(Conditional::normal_mixture, 2, 0)->shares(Variable(zeros({1, 1, 6})), Variable(u), 1);
               }),
               "real numbers have no levels to share"));
}

}  // namespace
}  // namespace pf
