// The masked network: who sees whom, and that its unrolled form is the same network.

#include "models/autoregressive/made.h"

#include <cmath>

#include "autograd/functional.h"
#include "tests/models/autoregressive_models.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::largest_difference;
using testing::to_double;

TEST(Made, OutputsSeeOnlyWhatComesBeforeAndTheSequenceIsTheSameNetwork) {
  for (int64_t hidden : {3, 20}) {  // fewer units than coordinates, and more
    Rng rng(4);
    Made made({.width = 7}, {.outputs = 2, .hidden = hidden, .depth = 3}, rng);
    to_double(made, rng, 1);
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
    const auto sequence = made.unroll(3);
    for (int64_t i = 0; i < 7; ++i) {
      const Variable next = i ? sequence->next(Variable(slice(x, 1, i - 1, i))) : sequence->next();
      EXPECT_LT(largest_difference(next.value(), pick(y, 1, i)), 1e-12) << i;
    }
  }
}

TEST(Made, EveryOutputSeesTheCondition) {
  for (int64_t width : {1, 2, 7})
    for (bool classes : {false, true}) {
      Rng rng(5);
      const NetworkInput input{.width = width, .levels = classes ? 3 : 0, .classes = classes, .context = 2};
      Made made(input, {.outputs = 2, .hidden = 16, .depth = 2}, rng);
      to_double(made, rng, 1);
      const Tensor x = classes ? cast(rng.integers(3, {4, width}), float64) : rng.normal({4, width}, float64);
      const Tensor context = rng.normal({4, 2}, float64);
      const Tensor y = made(Variable(x), context).value(), other = made(Variable(x), context + 0.1).value();
      EXPECT_GT(min(abs(y - other)).item(), 0) << width;
      // Coordinates still see only those before them.
      const Tensor moved = classes ? remainder(x + 1.0, 3.0) : x + 1.0;
      EXPECT_TRUE(testing::same_bits(contiguous(pick(made(Variable(moved), context).value(), 1, 0)),
                                     contiguous(pick(y, 1, 0))));
      const auto sequence = made.unroll(4, context);
      for (int64_t i = 0; i < width; ++i) {
        const Variable next = i ? sequence->next(Variable(slice(x, 1, i - 1, i))) : sequence->next();
        EXPECT_LT(largest_difference(next.value(), pick(y, 1, i)), 1e-12) << i;
      }
    }
}

// The masks without a condition are those of the paper: no unit of degree 0, which nobody would feed.
TEST(Made, WithoutConditionNoUnitSeesNothing) {
  Rng rng(4);
  const Made made({.width = 3}, {.outputs = 1, .hidden = 2, .depth = 1}, rng);
  EXPECT_EQ(made.layers[0].mask.to_vector<float>(), (std::vector<float>{1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(made.layers[1].mask.to_vector<float>(), (std::vector<float>{0, 0, 1, 0, 1, 1}));
}

}  // namespace
}  // namespace pf
