#include "tensor/ops/index.h"
#include "arrays.h"
#include "tensor/ops/reduce.h"

namespace pf::testing {
namespace {

TEST(Index, GatherAndScatterInEveryLayout) {
  for (DType dtype : {float32, float64, int64})
    for (const auto& [how, x] : layouts({3, 4, 5}, dtype))
      for (int axis : {0, 1, 2}) {
        SCOPED_TRACE(join(how, " ", axis));
        Shape to = x.shape();
        to[axis] = 7;
        const Tensor index = positions(to, x.shape()[axis]);
        expect_elements(gather(x, axis, index), to, [&](const Shape& i) {
          Shape at = i;
          at[axis] = int64_t(index.at(i));
          return x.at(at);
        });
        const Tensor g = numbers(to, dtype, 3);
        EXPECT_NEAR(sum(gather(x, axis, index) * g).item(), sum(x * Gather{axis, index}.adjoint(g, x.shape())).item(),
                    1e-4);
      }
}

TEST(Index, SelectAndAddInEveryLayout) {
  for (DType dtype : {float32, float64, int64})
    for (const auto& [how, x] : layouts({3, 4, 5}, dtype))
      for (int axis : {0, 1, 2}) {
        SCOPED_TRACE(join(how, " ", axis));
        Shape to = x.shape();
        to[axis] = 6;
        const Tensor index = positions({6}, x.shape()[axis]);
        expect_elements(index_select(x, axis, index), to, [&](const Shape& i) {
          Shape at = i;
          at[axis] = int64_t(index.at({i[axis]}));
          return x.at(at);
        });
        const Tensor g = numbers(to, dtype, 3);
        EXPECT_NEAR(sum(index_select(x, axis, index) * g).item(),
                    sum(x * IndexSelect{axis, index}.adjoint(g, x.shape())).item(), 1e-4);
      }
  EXPECT_EQ(cast(index_select(cast(tensor({0, 1}), boolean), 0, tensor({1, 0, 1}, int64)), int64).to_vector<int64_t>(),
            (std::vector<int64_t>{1, 0, 1}));
}

TEST(Index, Embedding) {
  const Tensor table = numbers({10, 3}), words = positions({2, 4}, 10);
  expect_elements(index_select(table, 0, words), {2, 4, 3}, [&](const Shape& i) {
    return table.at({int64_t(words.at({i[0], i[1]})), i[2]});
  });
  EXPECT_EQ(index_select(table, 0, tensor({}, int64)).numel(), 0);
}

TEST(Index, AddingRepeatedPositions) {
  const Tensor index = tensor({1, 1, 0, 1}, int64);
  EXPECT_EQ(values(scatter_add(tensor({10, 20, 30}), 0, index, tensor({1, 2, 3, 4}))),
            (std::vector<double>{13, 27, 30}));
  EXPECT_EQ(values(index_add(zeros({2, 2}), 1, index, ones({2, 4}))), (std::vector<double>{1, 3, 1, 3}));
}

TEST(Index, OneHot) {
  EXPECT_EQ(values(one_hot(tensor({2, 0}, int64), 3)), (std::vector<double>{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(to_string(one_hot(positions({2, 3}, 4), 4, int64).shape()), "[2, 3, 4]");
}

TEST(Index, Errors) {
  const Tensor x = zeros({3, 5});
  EXPECT_EQ(error_of([&] {
              gather(x, 1, tensor({0, 1, 7}, {3, 1}, int64));
            }),
            "gather: index 7 (number 2 of the index) on axis 1 of [3, 5]: expected 0 to 4");
  EXPECT_EQ(error_of([&] {
              gather(x, 1, zeros({2, 5}, int64));
            }),
            "gather: [3, 5] and an index [2, 5] along axis 1: they must agree on all other axes; expand the index or "
            "slice the array");
  EXPECT_EQ(error_of([&] { index_select(x, 0, tensor({-1}, int64)); }),
            "index_select: index -1 (number 0 of the index) on axis 0 of [3, 5]: expected 0 to 2");
  EXPECT_EQ(error_of([&] { index_select(x, 0, tensor({0})); }),
            "index_select: the index is float32: expected int64; convert with cast(index, int64)");
  EXPECT_EQ(error_of([&] { one_hot(tensor({3}, int64), 3); }),
            "one_hot: index 3 (number 0 of the index) on axis 1 of [1, 3]: expected 0 to 2");
  EXPECT_EQ(error_of([&] {
              scatter_add(x, 0, zeros({2, 5}, int64), zeros({1, 5}));
            }),
            "scatter_add: [1, 5] with an index [2, 5]: expected one shape");
}

}  // namespace
}  // namespace pf::testing
