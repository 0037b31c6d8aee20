#include <algorithm>

#include "arrays.h"
#include "tensor/ops/sort.h"

namespace pf::testing {
namespace {

TEST(Sort, EveryLayoutAgainstStableSort) {
  for (DType dtype : {float32, float64, int64})
    for (const Shape& shape : {Shape{9}, Shape{4, 30}, Shape{3, 4, 5}, Shape{2, 3000}})
      for (const auto& [how, x] : layouts(shape, dtype))
        for (int axis = 0; axis < shape.rank(); ++axis)
          for (bool descending : {false, true}) {
            SCOPED_TRACE(join(shape, " ", dtype, " ", how, " ", axis));
            const Tensor rows = contiguous(movedim(x, axis, -1));
            const std::vector<double> list = values(rows);
            const size_t n = size_t(rows.size(-1));
            const auto [sorted, order] = sort(x, axis, descending);
            EXPECT_TRUE(same_bits(order, argsort(x, axis, descending)));
            const std::vector<double> got = values(movedim(order, axis, -1)),
                                      in_order = values(movedim(sorted, axis, -1));
            for (size_t r = 0; r < list.size(); r += n) {
              std::vector<size_t> wanted(n);
              for (size_t i = 0; i < n; ++i) wanted[i] = i;
              std::stable_sort(wanted.begin(), wanted.end(), [&](size_t a, size_t b) {
                return descending ? list[r + a] > list[r + b] : list[r + a] < list[r + b];
              });
              for (size_t i = 0; i < n; ++i) {
                ASSERT_EQ(got[r + i], double(wanted[i]));
                ASSERT_EQ(in_order[r + i], list[r + wanted[i]]);
              }
            }
          }
}

TEST(Sort, NotANumberLastAndZerosEqual) {
  for (DType dtype : {float32, float64}) {
    const Tensor x = tensor({NAN, 0.0, -0.0, -INFINITY, -NAN, INFINITY, 3}, dtype);
    EXPECT_EQ(values(argsort(x)), (std::vector<double>{3, 1, 2, 6, 5, 0, 4}));
    EXPECT_EQ(values(argsort(x, 0, true)), (std::vector<double>{5, 6, 1, 2, 3, 0, 4}));
  }
}

TEST(Sort, LargestAndSmallest) {
  const Tensor x = numbers({3, 200});
  for (bool largest : {true, false})
    for (int64_t count : {0, 1, 5, 100, 200}) {
      const auto [some, places] = topk(x, count, 1, largest);
      const auto [all, order] = sort(x, 1, largest);
      EXPECT_TRUE(same_bits(some, slice(all, 1, 0, count)));
      EXPECT_TRUE(same_bits(places, slice(order, 1, 0, count)));
    }
  EXPECT_EQ(to_string(topk(x, 2, 0).values.shape()), "[2, 200]");
  EXPECT_EQ(error_of([&] { topk(x, 4, 0); }), "topk: 4 elements from axis 0 of [3, 200]: expected 0 to 3");
}

TEST(Sort, ThreadsDoNotChangeBits) {
  const Tensor x = numbers({500, 300}, float32);
  expect_threads_agree([&] { return argsort(x, 0); });
  expect_threads_agree([&] { return argsort(x, 1); });
}

TEST(SearchSorted, Places) {
  const Tensor row = tensor({1, 2, 2, 5}), v = tensor({0, 1, 2, 3, 5, 6, NAN}, {7});
  EXPECT_EQ(values(searchsorted(row, v)), (std::vector<double>{0, 0, 1, 3, 3, 4, 4}));
  EXPECT_EQ(values(searchsorted(row, v, true)), (std::vector<double>{0, 1, 3, 3, 4, 4, 4}));
  EXPECT_EQ(values(searchsorted(tensor({1, 2, 10, 20}, {2, 2}), tensor({2, 15}, {2, 1}))), (std::vector<double>{1, 1}));
  EXPECT_EQ(searchsorted(row, numbers({2, 3}, float32)).shape(), (Shape{2, 3}));
  EXPECT_EQ(error_of([&] {
              searchsorted(zeros({2, 3}), zeros({3, 1}));
            }),
            "searchsorted: rows [2, 3] and values [3, 1]: expected one row, or equal sizes on all axes but the last");
}

TEST(Unique, ElementsCountsAndTheWayBack) {
  const Tensor x = tensor({3, 1, 3, 2, 1, 3}, {2, 3}, int64);
  const UniqueElements u = unique(x);
  EXPECT_EQ(values(u.values), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(values(u.counts), (std::vector<double>{2, 1, 3}));
  EXPECT_TRUE(same_bits(index_select(u.values, 0, u.inverse), x));
}

}  // namespace
}  // namespace pf::testing
