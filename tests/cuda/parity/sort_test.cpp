// Order on the device is that of the CPU, bit for bit: stable, NaN last, -0 equal to 0.

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/ops/sort.h"
#include "tensor/random.h"

namespace pf {
namespace {

const Device device = Device::cuda();

/// Few different numbers, so that many are equal, and all that is special.
Tensor awkward(const Shape& shape, DType dtype, uint64_t seed) {
  Rng rng(seed);
  const Tensor which = rng.integers(40, shape);
  std::vector<double> numbers;
  for (int64_t i : which.to_vector<int64_t>()) {
    const double special[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0, -0.0, 1e-42, -1e-42};
    numbers.push_back(i < 8 && dtype != int64 ? special[i] : double(i - 20));
  }
  return tensor(numbers, shape, dtype);
}

void expect_same(const Tensor& expected, const Tensor& found, const std::string& what) {
  ASSERT_EQ(found.device(), device) << what;
  ASSERT_EQ(found.shape(), expected.shape()) << what;
  ASSERT_EQ(found.to_vector<int64_t>(), expected.to_vector<int64_t>()) << what;
}

TEST(SortParity, argsort_and_topk) {
  for (DType dtype : {float32, float64, int64})
    for (const Shape& shape : {Shape{1}, Shape{2}, Shape{33}, Shape{5, 31}, Shape{3, 257}, Shape{2048}, Shape{2, 2049},
                               Shape{5000}, Shape{4, 0}, Shape{7, 3, 9}})
      for (bool descending : {false, true})
        for (int axis : {0, -1}) {
          const Tensor x = awkward(shape, dtype, 3), there = to_device(x, device);
          const std::string what = join(dtype, " ", shape, " axis ", axis, descending ? " falling" : " rising");
          expect_same(argsort(x, axis, descending), argsort(there, axis, descending), what);
          const int64_t count = x.size(axis) / 3;
          expect_same(topk(x, count, axis, descending).indices, topk(there, count, axis, descending).indices,
                      what + ", topk");
        }
}

TEST(SortParity, searchsorted_and_unique) {
  for (DType dtype : {float32, float64, int64})
    for (bool right : {false, true}) {
      const Tensor rows = sort(awkward({6, 57}, dtype, 1)).values, values = awkward({6, 33}, dtype, 2);
      const Tensor row = reshape(slice(rows, 0, 0, 1), {57});
      const std::string what = join(dtype, right ? " right" : " left");
      expect_same(searchsorted(rows, values, right),
                  searchsorted(to_device(rows, device), to_device(values, device), right), what);
      expect_same(searchsorted(row, values, right),
                  searchsorted(to_device(row, device), to_device(values, device), right), what + ", one row");
    }
  const Tensor x = awkward({9, 20}, int64, 4);
  const UniqueElements expected = unique(x), found = unique(to_device(x, device));
  expect_same(expected.values, found.values, "unique values");
  expect_same(expected.counts, found.counts, "unique counts");
  expect_same(expected.inverse, found.inverse, "unique inverse");
}

}  // namespace
}  // namespace pf
