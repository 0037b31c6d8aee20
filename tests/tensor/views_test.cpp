#include <algorithm>

#include "arrays.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/triangle.h"

namespace pf::testing {
namespace {

TEST(Views, ReshapeKeepsRowMajorOrderInEveryLayout) {
  for (const Shape& shape : {Shape{4, 6}, Shape{2, 3, 4}, Shape{24}, Shape{4, 1, 6}})
    for (const auto& [how, x] : layouts(shape)) {
      SCOPED_TRACE(join(shape, " ", how));
      for (const Shape& to : {Shape{24}, Shape{3, 8}, Shape{2, 2, 6}, Shape{-1, 2}, Shape{1, 24, 1}}) {
        const Tensor y = reshape(x, to);
        EXPECT_EQ(values(y), values(x));
        EXPECT_EQ(y.numel(), 24);
      }
    }
  EXPECT_EQ(reshape(tensor({5}), {}).rank(), 0);
  EXPECT_EQ(to_string(reshape(zeros({0, 3}), {3, 0}).shape()), "[3, 0]");
}

TEST(Views, ReshapeCopiesOnlyWhereItMust) {
  const Tensor x = numbers({4, 6});
  EXPECT_TRUE(reshape(x, {2, 12}).storage() == x.storage());
  EXPECT_TRUE(reshape(slice(x, 1, 0, 3), {2, 2, 3}).storage() == x.storage());
  EXPECT_TRUE(unsqueeze(transpose(x), 1).storage() == x.storage());
  EXPECT_FALSE(reshape(transpose(x), {24}).storage() == x.storage());
}

TEST(Views, Permute) {
  for (const auto& [how, x] : layouts({2, 3, 4})) {
    SCOPED_TRACE(how);
    expect_elements(permute(x, {2, 0, 1}), {4, 2, 3}, [&](const Shape& i) { return x.at({i[1], i[2], i[0]}); });
    expect_elements(transpose(x), {2, 4, 3}, [&](const Shape& i) { return x.at({i[0], i[2], i[1]}); });
    expect_elements(transpose(x, 0, -1), {4, 3, 2}, [&](const Shape& i) { return x.at({i[2], i[1], i[0]}); });
    expect_elements(movedim(x, 0, -1), {3, 4, 2}, [&](const Shape& i) { return x.at({i[2], i[0], i[1]}); });
    expect_elements(movedim(x, -1, 0), {4, 2, 3}, [&](const Shape& i) { return x.at({i[1], i[2], i[0]}); });
    // The adjoint is the inverse.
    EXPECT_EQ(values(Permute{{2, 0, 1}}.adjoint(permute(x, {2, 0, 1}), x.shape())), values(x));
  }
}

TEST(Views, SliceAsInPython) {
  const Tensor x = arange(0, 6, 1, float64);
  EXPECT_EQ(values(slice(x, 0, 1, 4)), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(values(slice(x, 0, -2)), (std::vector<double>{4, 5}));
  EXPECT_EQ(values(slice(x, 0, {}, {}, 4)), (std::vector<double>{0, 4}));
  EXPECT_EQ(values(slice(x, 0, {}, {}, -1)), (std::vector<double>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(values(slice(x, 0, 4, 0, -2)), (std::vector<double>{4, 2}));
  EXPECT_EQ(values(slice(x, 0, 4, -100, -2)), (std::vector<double>{4, 2, 0}));
  EXPECT_EQ(slice(x, 0, 4, 2).numel(), 0);
  EXPECT_EQ(slice(x, 0, 10, 20).numel(), 0);
  for (const auto& [how, y] : layouts({5, 7})) {
    SCOPED_TRACE(how);
    expect_elements(slice(y, 1, 5, 0, -2), {5, 3}, [&](const Shape& i) { return y.at({i[0], 5 - 2 * i[1]}); });
    expect_elements(pick(y, 0, -1), {7}, [&](const Shape& i) { return y.at({4, i[0]}); });
    expect_elements(flip(y, 1), {5, 7}, [&](const Shape& i) { return y.at({i[0], 6 - i[1]}); });
  }
}

// ⟨slice(x), g⟩ = ⟨x, adjoint(g)⟩
TEST(Views, SliceAndItsAdjoint) {
  auto dot = [](const Tensor& a, const Tensor& b) { return sum(a * b).item(); };
  for (const auto& [how, x] : layouts({5, 7})) {
    SCOPED_TRACE(how);
    for (const Slice& op :
         {Slice{0, 1, 4, 1}, Slice{1, 5, 0, -2}, Slice{1, {}, {}, 3}, Slice{0, 3, 3, 1}, Slice{0, {}, {}, -1}}) {
      const Tensor y = op.eval(x), g = numbers(y.shape(), float64, 9);
      EXPECT_NEAR(dot(y, g), dot(x, op.adjoint(g, x.shape())), 1e-12);
    }
    const Pick op{1, 3};
    const Tensor g = numbers({5}, float64, 9);
    EXPECT_NEAR(dot(op.eval(x), g), dot(x, op.adjoint(g, x.shape())), 1e-12);
    const Expand wide{{3, 5, 7}};
    const Tensor h = numbers({3, 5, 7}, float64, 9);
    EXPECT_NEAR(dot(wide.eval(x), h), dot(x, wide.adjoint(h, x.shape())), 1e-12);
  }
}

TEST(Views, ExpandAndSumToAreAdjoint) {
  const Tensor x = numbers({3, 1}), g = numbers({2, 3, 4}, float64, 2);
  EXPECT_NEAR(sum(expand(x, {2, 3, 4}) * g).item(), sum(x * sum_to(g, {3, 1})).item(), 1e-12);
  expect_elements(sum_to(g, {4}), {4}, [&](const Shape& i) {
    double s = 0;
    for (int64_t a = 0; a < 2; ++a)
      for (int64_t b = 0; b < 3; ++b) s += g.at({a, b, i[0]});
    return s;
  });
  EXPECT_EQ(sum_to(g, {}).rank(), 0);
}

TEST(Views, AxesComeAndGo) {
  const Tensor x = numbers({2, 3, 4});
  EXPECT_EQ(to_string(unsqueeze(x, -1).shape()), "[2, 3, 4, 1]");
  EXPECT_EQ(to_string(squeeze(unsqueeze(x, 1), 1).shape()), "[2, 3, 4]");
  EXPECT_EQ(to_string(flatten(x).shape()), "[24]");
  EXPECT_EQ(to_string(flatten(x, 1).shape()), "[2, 12]");
  EXPECT_EQ(to_string(flatten(x, 0, 1).shape()), "[6, 4]");
  EXPECT_EQ(to_string(flatten(tensor({3}, {})).shape()), "[1]");
}

TEST(Views, ChunkAndSplit) {
  const Tensor x = numbers({3, 6});
  auto [a, b] = chunk<2>(x);
  EXPECT_EQ(values(b), values(slice(x, 1, 3)));
  EXPECT_EQ(values(concat({a, b})), values(x));
  const auto parts = split(x, {1, 2, 3}, 1);
  EXPECT_EQ(values(parts[1]), values(slice(x, 1, 1, 3)));
  EXPECT_EQ(chunk(x, 3, 0).size(), 3u);
  EXPECT_EQ(error_of([&] { chunk(x, 4); }),
            "chunk: axis -1 of [3, 6] into 4 equal parts: expected a divisor of 6; split(x, sizes) makes unequal ones");
  EXPECT_EQ(error_of([&] { split(x, {1, 2}, 1); }), "split: axis 1 of [3, 6] into parts of 3 in all: expected 6");
}

TEST(Views, Errors) {
  const Tensor x = zeros({2, 3});
  EXPECT_EQ(error_of([&] { reshape(x, {4}); }), "reshape: [2, 3] to [4]: 6 elements into 4");
  EXPECT_EQ(error_of([&] { pick(x, 1, 3); }), "pick: position 3 on axis 1 of [2, 3]: expected -3 to 2");
  EXPECT_EQ(error_of([&] { squeeze(x, 0); }), "squeeze: axis 0 of [2, 3] has size 2: expected 1");
  EXPECT_EQ(error_of([&] { transpose(zeros({3})); }), "transpose: [3] has no two axes to exchange");
  EXPECT_EQ(error_of([&] {
              expand(x, {2, 4});
            }),
            "expand: [2, 3] to [2, 4]: axis 1 has size 3: only axes of size 1 can be repeated");
  EXPECT_EQ(error_of([&] { slice(x, 0, 0, 1, 0); }), "slice: step 0: expected a positive or negative step");
  EXPECT_EQ(error_of([&] { sum_to(x, {4}); }).substr(0, 6), "expand");
}

TEST(Join, ConcatAndStackInEveryLayout) {
  for (DType dtype : {float32, float64, int64})
    for (const auto& [how, x] : layouts({3, 4}, dtype)) {
      SCOPED_TRACE(how);
      const Tensor other = numbers({3, 2}, dtype, 8), same = numbers({3, 4}, dtype, 9);
      expect_elements(concat({x, other}), {3, 6}, [&](const Shape& i) {
        return i[1] < 4 ? x.at(i) : other.at({i[0], i[1] - 4});
      });
      expect_elements(concat({same, x, same}, 0), {9, 4}, [&](const Shape& i) {
        return i[0] / 3 == 1 ? x.at({i[0] % 3, i[1]}) : same.at({i[0] % 3, i[1]});
      });
      expect_elements(stack({x, same}, 1), {3, 2, 4}, [&](const Shape& i) {
        return (i[1] ? same : x).at({i[0], i[2]});
      });
    }
  EXPECT_EQ(values(concat({zeros({0, 2}), ones({1, 2})}, 0)), (std::vector<double>{1, 1}));
  EXPECT_EQ(concat({cast(ones({2}), boolean), cast(zeros({1}), boolean)}).dtype(), boolean);
  EXPECT_EQ(error_of([] {
              concat({zeros({2, 3}), zeros({3, 3})});
            }),
            "concat: [2, 3] and [3, 3] along axis 1: the other sizes must agree");
  EXPECT_EQ(error_of([] { stack({zeros({2}), zeros({3})}); }), "stack: [2] and [3]: expected arrays of one shape");
  EXPECT_EQ(error_of([] { concat(std::vector<Tensor>{}); }), "concat: no arrays given: expected at least one");
}

TEST(Join, MarginsAndRepeats) {
  const Tensor x = arange(1, 4, 1, float64);
  EXPECT_EQ(values(pad(x, 0, 1, 2)), (std::vector<double>{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(values(pad(x, 0, 1, 0, -7)), (std::vector<double>{-7, 1, 2, 3}));
  EXPECT_EQ(values(tile(x, 2, 0)), (std::vector<double>{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(values(repeat_interleave(x, 2, 0)), (std::vector<double>{1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(values(roll(x, 1, 0)), (std::vector<double>{3, 1, 2}));
  EXPECT_EQ(values(roll(x, -1, 0)), (std::vector<double>{2, 3, 1}));
  EXPECT_EQ(values(roll(x, 3, 0)), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(error_of([&] { pad(x, 0, -1, 0); }), "pad: margins -1 and 0: expected 0 or more; slice(x, …) cuts off");
}

TEST(Triangle, DiagonalsAndTriangles) {
  for (const auto& [how, x] : layouts({2, 3, 4})) {
    SCOPED_TRACE(how);
    for (int64_t offset : {-4, -2, -1, 0, 1, 3, 5}) {
      SCOPED_TRACE(offset);
      const int64_t n =
          std::max<int64_t>(0, std::min(3 + std::min<int64_t>(offset, 0), 4 - std::max<int64_t>(offset, 0)));
      expect_elements(diagonal(x, offset), {2, n}, [&](const Shape& i) {
        return x.at({i[0], i[1] + std::max<int64_t>(0, -offset), i[1] + std::max<int64_t>(0, offset)});
      });
      expect_elements(tril(x, offset), {2, 3, 4}, [&](const Shape& i) { return i[2] - i[1] <= offset ? x.at(i) : 0; });
      expect_elements(triu(x, offset), {2, 3, 4}, [&](const Shape& i) { return i[2] - i[1] >= offset ? x.at(i) : 0; });
      const Tensor g = numbers({2, n}, float64, 11);
      EXPECT_NEAR(sum(diagonal(x, offset) * g).item(), sum(x * Diagonal{offset}.adjoint(g, x.shape())).item(), 1e-12);
    }
  }
  EXPECT_EQ(values(diag_embed(tensor({1, 2}))), (std::vector<double>{1, 0, 0, 2}));
  EXPECT_EQ(trace(eye(4)).item(), 4);
}

}  // namespace
}  // namespace pf::testing
