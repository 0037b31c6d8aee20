// The transformer as the network of an autoregressive model.

#include "models/autoregressive/transformer_network.h"

#include "autograd/functional.h"
#include "autograd/gradcheck.h"
#include "tensor/ops/power.h"
#include "tests/models/autoregressive_models.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::largest_difference;
using testing::same_bits;
using testing::to_double;

TEST(TransformerNetwork, OutputsSeeOnlyWhatComesBeforeAndTheCacheIsTheSameNetwork) {
  for (int64_t levels : {0, 4})
    for (int64_t width : {1, 2, 9}) {
      Rng rng(1);
      const NetworkInput input{.width = width, .levels = levels, .classes = levels > 0, .context = 2};
      TransformerNetwork network(input, {.outputs = 3, .width = 8, .heads = 2, .blocks = 2}, rng);
      to_double(network, rng);
      const Tensor x = levels ? cast(rng.integers(levels, {5, width}), float64) : rng.normal({5, width}, float64);
      const Tensor context = rng.normal({5, 2}, float64), y = network(Variable(x), context).value();
      EXPECT_EQ(y.shape(), (Shape{5, width, 3}));
      EXPECT_GT(min(abs(y - network(Variable(x), context + 0.5).value())).item(), 0);
      for (int64_t i = 0; i < width; ++i) {
        // Another value of coordinate i: the outputs up to i stay as they are, to the last bit; all later ones move.
        std::vector<double> changed = x.to_vector<double>();
        for (int64_t row = 0; row < 5; ++row) {
          double& at = changed[size_t(row * width + i)];
          at = levels ? (at == 0 ? 1 : 0) : at + 1;
        }
        const Tensor other = network(Variable(tensor(changed, {5, width}, float64)), context).value();
        EXPECT_TRUE(same_bits(contiguous(slice(other, 1, 0, i + 1)), contiguous(slice(y, 1, 0, i + 1)))) << i;
        if (i + 1 < width) { EXPECT_GT(min(abs(slice(other, 1, i + 1) - slice(y, 1, i + 1))).item(), 0) << i; }
      }
      const auto sequence = network.unroll(5, context);
      for (int64_t i = 0; i < width; ++i) {
        const Variable next = i ? sequence->next(Variable(slice(x, 1, i - 1, i))) : sequence->next();
        EXPECT_LT(largest_difference(next.value(), pick(y, 1, i)), 1e-12) << i;
      }
    }
}

// What a token costs in copies grows like the logarithm of their number.
TEST(TransformerNetwork, TheCacheKeepsItsTokensInOrderInFewBlocks) {
  KeyValueCache cache;
  for (int64_t token = 0; token < 100; ++token) {
    const Variable number(full({1, 1, 1, 1}, double(token), float64));
    cache.append(number, number * 2.0);
    EXPECT_LE(cache.blocks.size(), 7u);
  }
  double expected = 0;
  for (const KeyValueCache::Block& block : cache.blocks)
    for (int64_t i = 0; i < block.keys.size(2); ++i, ++expected) {
      EXPECT_EQ(block.keys.value().at({0, 0, i, 0}), expected);
      EXPECT_EQ(block.values.value().at({0, 0, i, 0}), 2 * expected);
    }
  EXPECT_EQ(expected, 100);
}

TEST(TransformerNetwork, BothSchedulesGiveTheSameSamples) {
  for (Conditional conditional : {Conditional::normal_mixture, Conditional::bernoulli, Conditional::categorical,
                                  Conditional::discretised_logistic}) {
    AutoregressiveSettings settings{.conditional = conditional,
                                    .components = 2,
                                    .levels = 5,
                                    .network = NetworkKind::transformer,
                                    .hidden = 8,
                                    .depth = 1,
                                    .heads = 2,
                                    .ordering = Ordering::random};
    Rng rng(2), same(2);
    Autoregressive one(10, settings, rng);
    settings.schedule = SamplingSchedule::jacobi;
    Autoregressive other(10, settings, same);
    Rng a(3), b(3);
    to_double(one, a), to_double(other, b);
    const Tensor u = rng.uniform({20, 10}, float64);
    EXPECT_LT(largest_difference(one.push(Variable(u)).value(), other.push(Variable(u)).value()), 1e-9);
    EXPECT_LE(other.jacobi_sweeps(u), 10);
  }
}

TEST(TransformerNetwork, SamplesHaveDerivativesInNoiseAndParameters) {
  Rng rng(4);
  Autoregressive model(3, {.components = 2, .network = NetworkKind::transformer, .hidden = 4, .depth = 1, .heads = 2},
                       rng);
  to_double(model, rng, 0.1);
  const std::vector<Field> parameters = parameters_of(model);
  std::vector<Tensor> inputs{rng.uniform({2, 3}, float64) * 0.6 + 0.2};
  for (const Field& field : parameters) inputs.push_back(field.value());
  const ListMap push = [&](std::span<const Variable> x) {
    for (size_t i = 0; i < parameters.size(); ++i) *parameters[i].parameter = x[i + 1];
    return model.push(x[0]);
  };
  const GradcheckReport report = gradcheck(push, inputs, {.step = 1e-4});
  EXPECT_TRUE(report.ok()) << to_string(report);
}

TEST(TransformerNetwork, ExplainsHeadsThatDoNotDivideItsWidth) {
  Rng rng(5);
  EXPECT_TRUE(contains(
      error_of([&] { Autoregressive(2, {.network = NetworkKind::transformer, .hidden = 6, .heads = 4}, rng); }),
      "attention: width 6 and 4 heads: expected a number of heads that divides the width"));
}

}  // namespace
}  // namespace pf
