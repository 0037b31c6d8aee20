// The optimal pairing: against all permutations, against another algorithm, and what must hold whatever the costs.

#include "models/assignment.h"
#include "models/squared_distances.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <vector>

#include "nn/data/synthetic.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/index.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/views.h"
#include "tensor/random.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

/// The total of an assignment; NaN where it is no permutation.
double total(const Tensor& cost, const std::vector<int64_t>& columns) {
  std::vector<int64_t> sorted = columns;
  std::sort(sorted.begin(), sorted.end());
  double sum = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (sorted[i] != int64_t(i)) return NAN;
    sum += cost.at({int64_t(i), columns[i]});
  }
  return sum;
}
double total(const Tensor& cost) { return total(cost, assign(cost).to_vector<int64_t>()); }

double least_by_enumeration(const Tensor& cost) {
  std::vector<int64_t> order(size_t(cost.size(0)));
  std::iota(order.begin(), order.end(), 0);
  double least = INFINITY;
  do least = std::min(least, total(cost, order));
  while (std::next_permutation(order.begin(), order.end()));
  return least;
}

/// The Hungarian method with potentials of rows and columns, row by row (Kuhn 1955, Munkres 1957): O(n³), nothing shared
/// with the library.
double least_by_hungarian(const Tensor& cost) {
  const auto n = size_t(cost.size(0));
  const double* c = cost.data<double>();
  std::vector<double> u(n + 1), v(n + 1);
  std::vector<size_t> row_of(n + 1), way(n + 1);
  for (size_t i = 1; i <= n; ++i) {
    std::vector<double> least(n + 1, INFINITY);
    std::vector<char> used(n + 1);
    size_t at = 0;
    for (row_of[0] = i; row_of[at] != 0;) {
      used[at] = 1;
      size_t next = 0;
      double step = INFINITY;
      for (size_t j = 1; j <= n; ++j) {
        if (used[j]) continue;
        const double reduced = c[(row_of[at] - 1) * n + j - 1] - u[row_of[at]] - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          way[j] = at;
        }
        if (least[j] < step) {
          step = least[j];
          next = j;
        }
      }
      for (size_t j = 0; j <= n; ++j) {
        if (used[j]) {
          u[row_of[j]] += step;
          v[j] -= step;
        } else {
          least[j] -= step;
        }
      }
      at = next;
    }
    for (; at != 0; at = way[at]) row_of[at] = row_of[way[at]];
  }
  double sum = 0;
  for (size_t j = 1; j <= n; ++j) sum += c[(row_of[j] - 1) * n + j - 1];
  return sum;
}

TEST(Assignment, IsTheBestOfAllPermutations) {
  Rng rng(1);
  for (int64_t n = 1; n <= 8; ++n)
    for (int repeat = 0; repeat < (n < 8 ? 10 : 1); ++repeat) {
      const Tensor normal = rng.normal({n, n}, float64);  // negative costs among them
      EXPECT_NEAR(total(normal), least_by_enumeration(normal), 1e-12) << n;
      const Tensor ties = floor(rng.uniform({n, n}, float64) * 3.0);
      EXPECT_EQ(total(ties), least_by_enumeration(ties)) << n;
    }
}

TEST(Assignment, AgreesWithTheHungarianMethod) {
  Rng rng(2);
  for (int64_t n : {31, 200}) {
    const Tensor normal = rng.normal({n, n}, float64), ties = floor(rng.uniform({n, n}, float64) * 5.0);
    const Tensor plane = squared_distances(rng.normal({n, 2}), rng.normal({n, 2}));
    for (const Tensor& cost : {normal, ties, plane}) EXPECT_NEAR(total(cost), least_by_hungarian(cost), 1e-9) << n;
  }
}

TEST(Assignment, OfPointsIsThatOfTheirDistances) {
  Rng rng(7);
  for (int64_t d : {1, 2, 3, 4}) {
    for (int64_t n : {1, 2, 5, 150}) {
      const Tensor a = rng.normal({n, d}), b = rng.normal({n, d}) * 2.0 + 1.0;
      const Tensor grid = floor(rng.uniform({n, d}) * 3.0);  // many points at one place
      const Tensor far = a + 1000.0;
      for (const auto& [x, y] : {std::pair{a, b}, {b, a}, {grid, a}, {grid, grid}, {a, far}}) {
        const Tensor cost = squared_distances(x, y);
        const double least = least_by_hungarian(cost);
        EXPECT_NEAR(total(cost, optimal_pairing(x, y).to_vector<int64_t>()), least, 1e-9 * (1 + least))
            << n << " " << d;
      }
    }
  }
  EXPECT_EQ(optimal_pairing(zeros({0, 2}), zeros({0, 2})).shape(), Shape{0});
}

TEST(Assignment, CostsOfAnySize) {
  Rng rng(8);
  const Tensor normal = rng.normal({60, 60}, float64);
  const double least = least_by_hungarian(normal);
  EXPECT_NEAR(total(normal * 1e300), least * 1e300, 1e290);  // beyond float
  EXPECT_NEAR(total(normal * 1e-300), least * 1e-300, 1e-310);
  EXPECT_NEAR(total(normal + 1e9), least + 60e9, 1e-4);  // what differs is lost in float
  Tensor one_large = copy(normal);
  one_large.mutable_data<double>()[17] = 1e200;
  EXPECT_NEAR(total(one_large), least_by_hungarian(one_large), 1e-9);
  const Tensor points = rng.normal({60, 2}, float64);
  const Tensor cost = squared_distances(points, points * 2.0);
  EXPECT_NEAR(total(cost, optimal_pairing(points * 1e120, points * 2e120).to_vector<int64_t>()),
              least_by_hungarian(cost), 1e-9);
}

TEST(Assignment, SpecialCosts) {
  EXPECT_EQ(assign(zeros({0, 0})).shape(), Shape{0});
  EXPECT_EQ(assign(full({1, 1}, -3.0)).to_vector<int64_t>(), std::vector<int64_t>{0});
  EXPECT_EQ(total(full({7, 7}, 2.5, float64)), 7 * 2.5);  // all equal: any permutation
  Rng rng(3);
  const Tensor order = rng.permutation(100);
  const Tensor permuted = index_select(eye(100, float64) * -1.0, 1, order);  // -1 at row order[j], column j
  const std::vector<int64_t> columns = assign(permuted).to_vector<int64_t>();
  for (size_t j = 0; j < 100; ++j) EXPECT_EQ(columns[size_t(order.at({int64_t(j)}))], int64_t(j));
}

TEST(Assignment, OnALineIsTheSortedOrder) {
  Rng rng(4);
  const Tensor a = rng.normal({300, 1}), b = rng.normal({300, 1});
  const Tensor matched = index_select(b, 0, optimal_pairing(a, b));
  std::vector<float> x = a.to_vector<float>(), y = matched.to_vector<float>();
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return x[i] < x[j]; });
  for (size_t k = 1; k < order.size(); ++k) EXPECT_LE(y[order[k - 1]], y[order[k]]);
}

TEST(Assignment, DistancesByBothWaysAgree) {
  Rng rng(5);
  const Tensor a = rng.normal({20, 9}, float64), b = rng.normal({30, 9}, float64);
  const Tensor whole = squared_distances(a, b);  // by a matrix product
  const Tensor parts = squared_distances(contiguous(slice(a, 1, 0, 5)), contiguous(slice(b, 1, 0, 5))) +
                       squared_distances(contiguous(slice(a, 1, 5)), contiguous(slice(b, 1, 5)));
  for (int64_t i = 0; i < 20; ++i)
    for (int64_t j = 0; j < 30; ++j) EXPECT_NEAR(whole.at({i, j}), parts.at({i, j}), 1e-12);
  EXPECT_EQ(squared_distances(zeros({0, 3}), zeros({4, 3})).shape(), (Shape{0, 4}));
}

TEST(Assignment, Errors) {
  EXPECT_TRUE(contains(error_of([] { assign(zeros({3, 4})); }), "assign: costs [3, 4]: expected a square matrix"));
  EXPECT_TRUE(contains(error_of([] { assign(full({2, 2}, NAN)); }), "the cost of row 0 and column 0 is nan"));
  EXPECT_TRUE(contains(error_of([] {
                         optimal_pairing(zeros({3, 2}), zeros({4, 2}));
                       }),
                       "optimal_pairing: [3, 2] and [4, 2]: expected two lists [n, d] with equally many rows"));
  EXPECT_TRUE(contains(error_of([] {
                         optimal_pairing(zeros({3, 2}), full({3, 2}, NAN));
                       }),
                       "optimal_pairing: coordinate 0 of point 0 is nan"));
}

// What training on optimal pairs pays a step. Printed, not judged: machines differ.
TEST(Assignment, Speed) {
  Rng rng(6);
  for (int64_t n : {256, 512, 1000}) {
    const Tensor a = rng.normal({n, 2}), b = sample_2d("8gaussians", n, rng) * 2.0;
    const auto start = std::chrono::steady_clock::now();
    optimal_pairing(a, b);
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    std::printf("optimal pairing of %d points of a normal with 8gaussians: %.2f ms\n", int(n), ms);
  }
}

}  // namespace
}  // namespace pf
