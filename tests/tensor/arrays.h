#pragma once
// What the tests of array operations share: numbers in every memory layout, and naive references in double.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tensor/ops/views.h"
#include "tensor/parallel.h"

namespace pf::testing {

inline std::vector<double> values(const Tensor& x) { return cast(x, float64).to_vector<double>(); }

/// Normal numbers (whole ones for int64), the same for the same seed.
inline Tensor numbers(const Shape& shape, DType dtype = float64, int seed = 1) {
  std::mt19937 engine{unsigned(seed)};
  std::normal_distribution<double> normal;
  std::vector<double> list(size_t(shape.numel()));
  for (double& v : list) v = is_floating(dtype) ? normal(engine) : std::round(5 * normal(engine));
  return tensor(list, shape, dtype);
}

/// Whole numbers 0 … n - 1.
inline Tensor positions(const Shape& shape, int64_t n, int seed = 1) {
  std::mt19937 engine{unsigned(seed)};
  std::vector<double> list(size_t(shape.numel()));
  for (double& v : list) v = double(engine() % uint64_t(n));
  return tensor(list, shape, int64);
}

struct LaidOut {
  std::string how;
  Tensor x;
};
/// Tensors of one shape (two axes or more, or fewer), each differently in memory.
inline std::vector<LaidOut> layouts(const Shape& shape, DType dtype = float64) {
  std::vector<LaidOut> out{{"contiguous", numbers(shape, dtype)}};
  const int r = shape.rank();
  if (r >= 2) {
    Shape turned = shape, back;
    for (int i = 0; i < r; ++i) turned[i] = shape[r - 1 - i], back.push_back(r - 1 - i);
    out.push_back({"transposed", permute(numbers(turned, dtype, 2), back)});
    if (r >= 3) {
      Shape first = shape;
      std::swap(first[0], first[1]);
      out.push_back({"outer axes exchanged", transpose(numbers(first, dtype, 3), 0, 1)});
    }
  }
  if (r >= 1) {
    Shape wide = shape;
    for (int64_t& size : wide) size = 2 * size + 3;
    Tensor x = numbers(wide, dtype, 4);
    for (int i = 0; i < r; ++i) x = slice(x, i, 1, 1 + 2 * shape[i], 2);
    out.push_back({"every second element", x});
    Shape longer = shape;
    longer[r - 1] += 2;
    out.push_back({"part of each row", slice(numbers(longer, dtype, 5), -1, 1, 1 + shape[r - 1])});
    x = numbers(shape, dtype, 6);
    for (int i = 0; i < r; ++i) x = flip(x, i);
    out.push_back({"reversed", x});
    for (int axis : {0, r - 1}) {
      Shape one = shape;
      one[axis] = 1;
      out.push_back({join("repeated along axis ", axis), expand(numbers(one, dtype, 7), shape)});
    }
  }
  return out;
}

inline void for_each_index(const Shape& shape, const std::function<void(const Shape&)>& body) {
  Shape index = Shape::filled(shape.rank(), 0);
  for (int64_t i = 0; i < shape.numel(); ++i) {
    body(index);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/// Compares with a function of the index.
inline void expect_elements(const Tensor& got, const Shape& shape, const std::function<double(const Shape&)>& wanted,
                            double tolerance = 1e-12) {
  ASSERT_EQ(to_string(got.shape()), to_string(shape));
  const std::vector<double> list = values(got);
  size_t at = 0;
  int shown = 0;
  for_each_index(shape, [&](const Shape& index) {
    const double want = wanted(index), is = list[at++];
    const bool same = is == want || (std::isnan(is) && std::isnan(want)) ||
                      std::abs(is - want) <= tolerance * std::max(1.0, std::abs(want));
    if (!same && ++shown < 4) ADD_FAILURE() << "at " << to_string(index) << ": " << is << ", expected " << want;
  });
}

/// The same shape, type and bits.
inline ::testing::AssertionResult same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype())
    return ::testing::AssertionFailure() << to_string(a.shape()) << " against " << to_string(b.shape());
  const Tensor x = contiguous(a), y = contiguous(b);
  if (std::memcmp(x.raw(), y.raw(), size_t(x.numel() * size_of(x.dtype()))) != 0)
    return ::testing::AssertionFailure() << "different bits";
  return ::testing::AssertionSuccess();
}

/// The result on one thread and on two has the same bits.
inline void expect_threads_agree(const std::function<Tensor()>& compute) {
  set_threads(1);
  const Tensor one = compute();
  set_threads(2);
  const Tensor two = compute();
  set_threads(1);
  EXPECT_TRUE(same_bits(one, two));
}

/// The sentence of the error that the body throws.
inline std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) { return error.what(); }
  return "no error";
}

}  // namespace pf::testing
