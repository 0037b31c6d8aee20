#include "autograd/checkpoint.h"

#include <gtest/gtest.h>

#include "tensor/ops/all.h"
#include "tensor/random.h"
#include "tests/autograd/support.h"

namespace pf {
namespace {

using testing_support::error_of;
using testing_support::number;

TEST(Checkpoint, equals_the_function_itself) {
  const Variable x = number(0.3), y = number(1.2), weight = tracked(tensor({0.7}, {}, float64), "weight");
  auto f = [&](const Variable& a, const Variable& b) { return tanh(a * b + weight) * a; };
  const Variable plain = f(x, y), kept = checkpoint(f, x, y);
  EXPECT_EQ(kept.item(), plain.item());
  const std::vector inputs{x, y, weight};
  const std::vector<Tensor> expected = grad(plain, inputs), found = grad(kept, inputs);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(found[size_t(i)].item(), expected[size_t(i)].item()) << i;
}

TEST(Checkpoint, second_derivatives_and_forward_mode) {
  const Variable x = number(0.3), weight = number(0.7);
  auto f = [&](const Variable& a) { return sin(a * weight) * weight; };
  const Variable plain = f(x), kept = checkpoint(f, x);
  const std::array inputs{x, weight};
  const Variable d_plain = recorded_grad(plain, x), d_kept = recorded_grad(kept, x);
  EXPECT_NEAR(d_kept.item(), d_plain.item(), 1e-15);
  for (const Variable& in : inputs) EXPECT_NEAR(grad(d_kept, in).item(), grad(d_plain, in).item(), 1e-15);
  const std::array<Tensor, 2> t{tensor({2.0}, {}, float64), tensor({-1.0}, {}, float64)};
  EXPECT_NEAR(push_tangents<Tensor>(kept, inputs, t).item(), push_tangents<Tensor>(plain, inputs, t).item(), 1e-15);
  const std::array<Variable, 2> r{Variable(t[0]), Variable(t[1])};
  EXPECT_NEAR(grad(push_tangents<Variable>(kept, inputs, r), weight).item(),
              grad(push_tangents<Variable>(plain, inputs, r), weight).item(), 1e-15);
}

TEST(Checkpoint, captured_values_may_have_a_history) {
  const Variable w = number(0.5), x = number(2);
  const Variable derived = exp(w);  // tracked, made before, used inside
  auto f = [&](const Variable& a) { return a * derived * derived; };
  EXPECT_NEAR(grad(checkpoint(f, x), w).item(), grad(f(x), w).item(), 1e-14);
}

TEST(Checkpoint, nested_and_with_more_captured_than_a_word_has_bits) {
  std::vector<Variable> weights;
  for (int i = 0; i < 50; ++i) weights.push_back(number(0.9 + 0.003 * i));
  auto f = [&](const Variable& a) {
    Variable y = a;
    for (const Variable& w : weights) y = y * w;
    return y;
  };
  auto twice = [&](const Variable& a) { return checkpoint(f, checkpoint(f, a)); };
  const Variable x = number(1.5);
  const std::vector<Tensor> expected = grad(f(f(x)), weights), found = grad(checkpoint(twice, x), weights);
  for (size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(found[i].item(), expected[i].item(), 1e-12) << i;
}

TEST(Checkpoint, constants_and_integers_pass_through) {
  const Variable x = number(2), c(tensor({3.0}, {}, float64)), index(arange(0, 3, 1, int64));
  EXPECT_EQ(grad(checkpoint([](const Variable& a, const Variable& b) { return a * b; }, x, c), x).item(), 3);
  EXPECT_FALSE(checkpoint([](const Variable& a) { return a + a; }, c).tracked());
  auto f = [](const Variable& a, const Variable& i) { return a * double(i.numel()); };
  EXPECT_EQ(grad(checkpoint(f, x, index), x).item(), 3);
}

TEST(Checkpoint, a_function_that_changes_is_caught) {
  Rng rng(1);
  const Variable x = tracked(ones({4}));
  const Variable y = checkpoint([&](const Variable& a) { return a * rng.normal({4}); }, x);
  EXPECT_EQ(error_of([&] { grad(sum(y), x); }),
            "checkpoint: the second run of the function gave another value, float32 [4]: it must compute the same each "
            "time; draw random numbers outside and pass them in");
  const Variable w = number(1), v = number(1), z = number(2);
  bool first = true;
  const Variable switching = checkpoint(
      [&](const Variable& a) {
        const Variable out = a * (first ? w : v);
        first = false;
        return out;
      },
      z);
  EXPECT_EQ(error_of([&] { grad(switching, z); }),
            "checkpoint: the second run of the function used something tracked, [], that the first did not: it must "
            "compute the same each time");
}

TEST(Checkpoint, lowers_the_peak_of_memory) {
  const Variable x = tracked(full({1 << 16}, 0.5));
  auto block = [](const Variable& a) {
    Variable y = a;
    for (int i = 0; i < 16; ++i) y = sin(y);
    return y;
  };
  auto held = [&](bool checkpointed) {
    const int64_t before = allocator_statistics().live_bytes;
    Variable y = x;
    for (int i = 0; i < 4; ++i) y = checkpointed ? checkpoint(block, y) : block(y);
    const int64_t graph = allocator_statistics().live_bytes - before;
    grad(sum(y), x);
    return graph;
  };
  const int64_t all = held(false), few = held(true);
  EXPECT_GT(all, 60 * (1 << 18));
  EXPECT_LT(few, 7 * (1 << 18)) << "four results and their nodes";
}

}  // namespace
}  // namespace pf
