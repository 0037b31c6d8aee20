// The foundations: layouts as pure functions, the allocator's promises, threads, random numbers, handles and printing.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>

#include "tensor/allocator.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/strided.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

/// The storage positions of a layout's elements in row-major order.
std::vector<int64_t> positions(const Layout& layout) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < layout.numel(); ++i) {
    int64_t at = layout.offset, rest = i;
    for (int axis = layout.rank() - 1; axis >= 0; --axis) {
      at += rest % layout.shape[axis] * layout.strides[axis];
      rest /= layout.shape[axis];
    }
    out.push_back(at);
  }
  return out;
}
using Positions = std::vector<int64_t>;

TEST(Layout, ViewsArePureFunctions) {
  const Layout x = Layout::contiguous({2, 3});
  EXPECT_EQ(positions(x.permute({1, 0})), (Positions{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(positions(x.slice(1, {}, {}, -1)), (Positions{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(positions(x.slice(1, -2, {})), (Positions{1, 2, 4, 5}));
  EXPECT_EQ(positions(x.slice(1, 0, 99, 2)), (Positions{0, 2, 3, 5}));
  EXPECT_EQ(x.slice(1, 2, 1).shape, (Shape{2, 0}));
  EXPECT_EQ(positions(x.select(0, -1)), (Positions{3, 4, 5}));
  EXPECT_EQ(positions(x.select(0, 0).expand({2, 3})), (Positions{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(positions(x.flip(0)), (Positions{3, 4, 5, 0, 1, 2}));
  EXPECT_EQ(x.unsqueeze(1).shape, (Shape{2, 1, 3}));
  EXPECT_EQ(x.unsqueeze(1).squeeze(1).shape, x.shape);
}

TEST(Layout, ReshapeKeepsOrderOrDeclines) {
  // Every reshape that succeeds lists the same elements in the same order; contiguous ones always succeed.
  const std::vector<Layout> layouts = {Layout::contiguous({4, 6}),
                                       Layout::contiguous({4, 6}).permute({1, 0}),
                                       Layout::contiguous({4, 6}).slice(1, 0, 4),
                                       Layout::contiguous({4, 1, 6}).flip(2),
                                       Layout::contiguous({1, 6}).expand({4, 6}),
                                       Layout::contiguous({2, 2, 6}).flip(0)};
  const std::vector<Shape> shapes = {{24},       {2, 12},      {2, 2, 6}, {4, 2, 3}, {4, 3, 2}, {6, 4},
                                     {1, 24, 1}, {2, 2, 2, 3}, {16},      {4, 2, 2}, {2, 8}};
  int succeeded = 0;
  for (const Layout& layout : layouts)
    for (const Shape& shape : shapes) {
      if (shape.numel() != layout.numel()) continue;
      const auto view = layout.reshape(shape);
      if (layout.is_contiguous()) { ASSERT_TRUE(view) << to_string(shape); }
      if (!view) continue;
      ++succeeded;
      EXPECT_EQ(positions(*view), positions(layout)) << to_string(layout.shape) << " to " << to_string(shape);
    }
  EXPECT_GT(succeeded, 15);
  EXPECT_FALSE(Layout::contiguous({4, 6}).permute({1, 0}).reshape({24}));
  EXPECT_EQ(resolve_reshape({4, 6}, {-1, 3}), (Shape{8, 3}));
}

TEST(Layout, CursorReadsFromAnyPosition) {
  const Tensor x = arange(0, 60, 1, int64).view(Layout::contiguous({3, 4, 5}).permute({2, 0, 1}).slice(0, {}, {}, -2));
  const Layout collapsed = collapse(x.layout());
  const Positions all = positions(x.layout());
  for (int64_t start = 0; start < x.numel(); ++start) {
    Positions rest(size_t(x.numel() - start));
    StridedCursor(collapsed, start).read(x.storage().data(), 8, int64_t(rest.size()), rest.data());
    EXPECT_TRUE(std::equal(rest.begin(), rest.end(), all.begin() + start)) << start;
  }
}

TEST(Shape, ErrorsSayWhatToDo) {
  EXPECT_EQ(error_of([] {
              broadcast({2, 3}, {4}, "add");
            }),
            "add: [2, 3] and [4]: sizes 3 and 4 at axis -1 differ and neither is 1; reshape or expand one of them");
  EXPECT_EQ(error_of([] { normalize_axis(3, 2, "sum"); }), "sum: axis 3 of a tensor with 2 axes: expected -2 to 1");
  EXPECT_EQ(error_of([] { Axes({0, -2}).flags(2, "sum"); }), "sum: axis -2 is given twice");
  EXPECT_EQ(error_of([] { resolve_reshape({4, 6}, {5, 5}); }), "reshape: [4, 6] to [5, 5]: 24 elements into 25");
  EXPECT_EQ(error_of([] { zeros({2}).data<double>(); }),
            "data: the tensor is float32, not float64; convert with cast(x, float64)");
  EXPECT_EQ(error_of([] { zeros({2, 2}).item(); }), "item: [2, 2] has 4 elements: expected exactly one");
}

TEST(Allocator, ReusesWhatWasReleased) {
  { Tensor warm = zeros({1000, 7}); }
  const int64_t before = allocator_statistics().system_allocations;
  for (int i = 0; i < 100; ++i) Tensor again = zeros({1000, 7});
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

TEST(Allocator, BlocksAreAlignedAndDistinct) {
  std::vector<std::pair<void*, size_t>> blocks;
  for (size_t bytes = 1; bytes < 5000; bytes += 7) blocks.emplace_back(allocate(bytes), bytes);
  std::set<void*> distinct;
  for (auto [block, bytes] : blocks) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u);
    std::fill_n(static_cast<unsigned char*>(block), bytes, static_cast<unsigned char>(bytes));
    distinct.insert(block);
  }
  for (auto [block, bytes] : blocks)
    for (size_t i = 0; i < bytes; ++i)
      ASSERT_EQ(static_cast<unsigned char*>(block)[i], static_cast<unsigned char>(bytes));
  EXPECT_EQ(distinct.size(), blocks.size());
  for (auto [block, bytes] : blocks) release(block, bytes);
}

TEST(Allocator, RunningOutSaysWhatLives) {
  const Tensor held = zeros({1 << 20});
  set_memory_limit(allocator_statistics().live_bytes + (64 << 20));
  const std::string error = error_of([] { Tensor::empty({100, 1 << 20}); });
  set_memory_limit(int64_t(1) << 40);
  EXPECT_TRUE(contains(error, "out of memory: asked for 400 MiB while ")) << error;
  EXPECT_TRUE(contains(error, "largest blocks: ")) << error;
  EXPECT_TRUE(contains(error_of([] {
                         Tensor::empty({int64_t(1) << 40, int64_t(1) << 40});
                       }),
                       "out of memory"))
      << error;
}

TEST(Parallel, EveryChunkOnceAndExceptionsCome) {
  for (int count : {1, 2, 5}) {
    set_threads(count);
    std::vector<std::atomic<int>> seen(1000);
    parallel_for(1000, [&](int64_t i) {
      parallel_for(3, [&](int64_t) {});  // nested: on this thread
      ++seen[size_t(i)];
    });
    for (auto& times : seen) EXPECT_EQ(times, 1);
    EXPECT_EQ(error_of([] { parallel_for(50, [](int64_t i) { check(i != 30, "chunk ", i); }); }), "chunk 30");
  }
  set_threads(1);
}

TEST(Random, PhiloxKnownAnswers) {
  // Salmon et al. 2011, the known-answer file of their reference implementation.
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, SameBitsOnAnyNumberOfThreadsAndInPieces) {
  set_threads(1);
  const std::vector<float> one = Rng(5).normal({300000}).to_vector<float>();
  set_threads(2);
  EXPECT_EQ(one, Rng(5).normal({300000}).to_vector<float>());
  set_threads(1);
  Rng pieces(5);
  std::vector<float> joined;
  for (int i = 0; i < 3; ++i)
    for (float v : pieces.normal({100000}).to_vector<float>()) joined.push_back(v);
  EXPECT_EQ(one, joined);
  const Rng::State state = pieces.state();
  EXPECT_EQ(pieces.uniform({9}).to_vector<float>(), Rng(state).uniform({9}).to_vector<float>());
}

TEST(Random, Moments) {
  for (DType dtype : {float32, float64}) {
    Rng rng(1);
    const int64_t n = 1000000;
    const std::vector<double> u = cast(rng.uniform({n}, dtype), float64).to_vector<double>();
    const std::vector<double> z = cast(rng.normal({n}, dtype), float64).to_vector<double>();
    double sum = 0, m1 = 0, m2 = 0, m4 = 0;
    for (double v : u) {
      ASSERT_GT(v, 0);
      ASSERT_LT(v, 1);
      sum += v;
    }
    for (double v : z) {
      m1 += v;
      m2 += v * v;
      m4 += v * v * v * v;
    }
    EXPECT_NEAR(sum / n, 0.5, 4 * std::sqrt(1.0 / 12 / n));
    EXPECT_NEAR(m1 / n, 0, 4 * std::sqrt(1.0 / n));
    EXPECT_NEAR(m2 / n, 1, 4 * std::sqrt(2.0 / n));
    EXPECT_NEAR(m4 / n, 3, 4 * std::sqrt(96.0 / n));
  }
}

TEST(Random, ChildrenDiffer) {
  Rng a(3);
  std::set<std::vector<float>> draws;
  for (uint64_t label = 0; label < 20; ++label) draws.insert(a.child(label).uniform({4}).to_vector<float>());
  for (int i = 0; i < 20; ++i) draws.insert(a.split().uniform({4}).to_vector<float>());
  EXPECT_GE(draws.size(), 20u);
  EXPECT_EQ(a.child(4).uniform({4}).to_vector<float>(), a.child(4).uniform({4}).to_vector<float>());
  std::vector<int64_t> order = a.permutation(1000).to_vector<int64_t>();
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 1000u);
}

TEST(Tensor, PrintingIsForPeople) {
  EXPECT_EQ(to_string(tensor({1, 2.5, -3}, {3})), "[ 1.0000,  2.5000, -3.0000]  [3] float32");
  EXPECT_EQ(to_string(tensor({1, 2, 3, 4}, {2, 2}, int64)), "[[1, 2],\n [3, 4]]  [2, 2] int64");
  EXPECT_EQ(to_string(cast(tensor({1, 0}), boolean)), "[ true, false]  [2] bool");
  EXPECT_EQ(to_string(full({}, 0.5)), "0.5000  [] float32");
  EXPECT_EQ(to_string(arange(0, 1000)), "[  0,   1,   2, …, 997, 998, 999]  [1000] float32");
  EXPECT_EQ(to_string(zeros({0, 3})), "[]  [0, 3] float32");
}

TEST(Tensor, CopiesAreSnapshots) {
  Tensor a = zeros({3});
  const Tensor b = a;
  EXPECT_TRUE(contains(error_of([&] { a.mutable_data<float>(); }), "shared with another tensor; copy it first"));
  Tensor c = copy(a);
  c.mutable_data<float>()[0] = 1;
  EXPECT_EQ(b.at({0}), 0);
}

}  // namespace
}  // namespace pf
