// Replaying what was recorded gives the bits of running it again, and what cannot be replayed says why.

#include "tensor/capture.h"

#include <gtest/gtest.h>

#include "tensor/allocator.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/causal_attention.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/sort.h"
#include "tensor/ops/spline.h"
#include "tensor/ops/views.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace pf {
namespace {

std::vector<double> numbers(const Tensor& x) { return cast(x, float64).to_vector<double>(); }

TEST(Capture, ReplaysGiveTheBitsOfTheFunction) {
  Rng rng(1);
  const Tensor weight = rng.normal({5, 3});
  const auto f = [&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor h = exp(matmul(in[0], weight)) * 2.0;
    return {sum(h, 1), transpose(h), h - mean(h, 0)};
  };
  Capture capture(f);
  for (int i = 0; i < 5; ++i) {
    const Tensor x = rng.normal({4, 5});
    const std::vector<Tensor> found = capture({x}), expected = f(std::array{x});
    EXPECT_EQ(capture.replayed(), i >= 2) << i << ' ' << capture.obstacle();
    for (size_t k = 0; k < expected.size(); ++k) EXPECT_EQ(numbers(found[k]), numbers(expected[k])) << i << ' ' << k;
  }
  EXPECT_GE(capture.kernels(), 5);
}

// Which thread takes which piece of a kernel is another matter in each replay.
TEST(Capture, KernelsOfManyPiecesAreReplayedByAnyThreads) {
  Rng rng(3);
  const Tensor parameters = rng.normal({20000, 23}), heads = rng.normal({16, 70, 8});
  const auto f = [&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const auto [y, slope] = rational_quadratic_spline(in[0], parameters, 3.0);
    return {y, slope, argsort(in[0]), causal_attention(heads, heads, heads), softmax(parameters), sum(parameters, 0)};
  };
  const int before = threads();
  for (const int count : {1, 2, 3, 4}) {
    set_threads(count);
    Capture capture(f);
    for (int i = 0; i < 8; ++i) {
      const Tensor x = rng.normal({20000});
      const std::vector<Tensor> found = capture({x}), expected = f(std::array{x});
      EXPECT_EQ(capture.replayed(), i >= 2) << capture.obstacle();
      for (size_t k = 0; k < expected.size(); ++k)
        EXPECT_EQ(numbers(found[k]), numbers(expected[k])) << count << ' ' << k;
    }
  }
  set_threads(before);
}

TEST(Capture, GeneratorsGoOn) {
  Rng one(7), other(7);
  const auto draw = [](Rng& rng) -> std::vector<Tensor> {
    return {rng.normal({3}), rng.uniform({2}, float64), rng.bernoulli(0.5, {40}), rng.integers(1000, {4}),
            rng.rademacher({9})};
  };
  Capture capture([&](std::span<const Tensor>) { return draw(one); }, {&one});
  for (int i = 0; i < 5; ++i) {
    const std::vector<Tensor> found = capture({}), expected = draw(other);
    for (size_t k = 0; k < expected.size(); ++k) EXPECT_EQ(numbers(found[k]), numbers(expected[k])) << i << ' ' << k;
    EXPECT_EQ(one.state(), other.state());
    if (i == 3) one.uniform(), other.uniform();  // others draw in between
  }
  EXPECT_TRUE(capture.replayed());
}

TEST(Capture, StateIsReadWhereItIs) {
  Tensor state = full({3}, 1);
  Capture capture([&](std::span<const Tensor> in) { return std::vector{in[0] * state}; }, {},
                  [&] { return std::vector{state}; });
  const Tensor x = tensor({1, 2, 3});
  for (int i = 0; i < 4; ++i) {
    state.mutable_data<float>()[0] = float(i);  // in its own memory
    EXPECT_EQ(numbers(capture({x})[0]), (std::vector<double>{double(i), 2, 3}));
  }
  EXPECT_TRUE(capture.replayed());
  state = full({3}, 5);  // other memory: recorded anew
  EXPECT_EQ(numbers(capture({x})[0]), (std::vector<double>{5, 10, 15}));
  EXPECT_FALSE(capture.replayed());
  EXPECT_EQ(numbers(capture({x})[0]), (std::vector<double>{5, 10, 15}));
  EXPECT_TRUE(capture.replayed());
}

TEST(Capture, ConstantsStay) {
  Capture capture([&](std::span<const Tensor> in) -> std::vector<Tensor> {
    Tensor made = tensor({10, 20, 30});
    Tensor zero = zeros({3});
    return {in[0] + made, zero + in[0], in[0], index_select(in[0], 0, tensor({2, 0}, int64))};
  });
  for (int i = 0; i < 4; ++i) {
    const double v = i;
    const std::vector<Tensor> out = capture({tensor({v, v, v + 1})});
    EXPECT_EQ(numbers(out[0]), (std::vector<double>{v + 10, v + 20, v + 31}));
    EXPECT_EQ(numbers(out[1]), (std::vector<double>{v, v, v + 1}));
    EXPECT_EQ(numbers(out[2]), (std::vector<double>{v, v, v + 1}));
    EXPECT_EQ(numbers(out[3]), (std::vector<double>{v + 1, v}));
  }
  EXPECT_TRUE(capture.replayed()) << capture.obstacle();
}

TEST(Capture, WhatReadsRunsAsItIs) {
  int runs = 0;
  Rng rng(3), like(3);
  Capture capture(
      [&](std::span<const Tensor> in) {
        ++runs;
        const Tensor noise = rng.normal({2});
        return std::vector{sum(in[0]).item() > 0 ? in[0] + noise : noise};
      },
      {&rng});
  for (int i = 0; i < 4; ++i) {
    const Tensor x = full({2}, i % 2 ? 1 : -1), noise = like.normal({2});
    EXPECT_EQ(numbers(capture({x})[0]), numbers(i % 2 ? x + noise : noise));
    EXPECT_FALSE(capture.replayed());
  }
  EXPECT_EQ(capture.obstacle(), "it reads float32 [], which is computed in each run, on the host");
  EXPECT_EQ(rng.state(), like.state());
  EXPECT_EQ(runs, 5);  // the attempt to record it was one more
}

TEST(Capture, ObstaclesAreNamed) {
  Rng told(1), untold(2);
  Capture draws([&](std::span<const Tensor>) { return std::vector{untold.normal({2})}; }, {&told});
  draws({}), draws({});
  EXPECT_EQ(draws.obstacle(), "it draws from a generator of random numbers that the capture was not told of");
  Tensor state = zeros({2});
  Capture changes([&](std::span<const Tensor> in) { return std::vector{state = state + in[0]}; }, {},
                  [&] { return std::vector{state}; });
  for (int i = 0; i < 4; ++i) changes({ones({2})});
  EXPECT_EQ(numbers(state), (std::vector<double>{4, 4}));
  EXPECT_EQ(changes.obstacle(), "it changes its own state");
}

TEST(Capture, OtherShapesRunAsTheyAre) {
  Capture capture([](std::span<const Tensor> in) { return std::vector{in[0] + 1.0}; });
  for (int i = 0; i < 9; ++i) {
    const bool odd = i == 4;
    EXPECT_EQ(capture({full({odd ? 3 : 5}, i)})[0].at({0}), i + 1);
    EXPECT_EQ(capture.replayed(), i >= 2 && !odd) << i;
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(capture({full({7}, i)})[0].at({0}), i + 1);  // the new shape stays
  EXPECT_TRUE(capture.replayed());
}

TEST(Capture, ErrorsPassAndLeaveEverythingUsable) {
  Capture capture([](std::span<const Tensor> in) { return std::vector{index_select(in[0], 0, in[1])}; });
  const Tensor x = tensor({5, 6, 7});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(capture({x, tensor({2}, int64)})[0].item(), 7);
  EXPECT_TRUE(capture.replayed());
  EXPECT_THROW(capture({x, tensor({3}, int64)}), Error);
  EXPECT_EQ(capture({x, tensor({1}, int64)})[0].item(), 6);
  EXPECT_EQ(numbers(x + x), (std::vector<double>{10, 12, 14}));
}

TEST(Capture, ReplaysAskNothingOfTheSystemAndGiveEverythingBack) {
  const int64_t before = allocator_statistics().live_bytes;
  {
    Rng rng(1);
    const Tensor w = rng.normal({64, 64});
    Capture capture([&](std::span<const Tensor> in) { return std::vector{matmul(exp(matmul(in[0], w)), w)}; });
    const Tensor x = rng.normal({64, 64});
    for (int i = 0; i < 3; ++i) capture({x});
    const AllocatorStatistics warm = allocator_statistics();
    for (int i = 0; i < 10; ++i) capture({x});
    EXPECT_EQ(allocator_statistics().system_allocations, warm.system_allocations);
    EXPECT_EQ(allocator_statistics().live_bytes, warm.live_bytes);
  }
  EXPECT_EQ(allocator_statistics().live_bytes, before);
}

// Memory of what nobody needs any more is used again within a recording.
TEST(Capture, TakesNoMoreMemoryThanTheFunction) {
  const auto f = [](std::span<const Tensor> in) {
    Tensor h = in[0];
    for (int i = 0; i < 50; ++i) h = h * 0.5 + 1.0;
    return std::vector{h};
  };
  Capture capture(f);
  const Tensor x = zeros({1 << 16});
  capture({x});
  const int64_t before = allocator_statistics().live_bytes;
  capture({x});
  ASSERT_TRUE(capture({x})[0].defined() && capture.replayed());
  EXPECT_LT(allocator_statistics().live_bytes - before, 5 * (1 << 18));
}

}  // namespace
}  // namespace pf
