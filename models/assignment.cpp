#include "models/assignment.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

// Jonker & Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear assignment problems". Rows
// are assigned one after the other; `price` keeps cost[i][j] - price[j] such that every assigned pair is a row minimum.
class JonkerVolgenant {
 public:
  JonkerVolgenant(const double* cost, int n)
      : cost_(cost), n_(n), column_of_(size_t(n), -1), row_of_(size_t(n), -1), price_(size_t(n)) {}

  std::vector<int> solve() {
    reduce_columns();
    reduce_rows();
    reduce_rows();
    for (int row : std::vector<int>(free_)) augment(row);
    return column_of_;
  }

 private:
  const double* row(int i) const { return cost_ + int64_t(i) * n_; }

  /// Each column offers itself to its cheapest row; rows that are taken leave the column free.
  void reduce_columns() {
    std::vector<int> best(size_t(n_), 0);
    for (int j = 0; j < n_; ++j) price_[size_t(j)] = row(0)[j];
    for (int i = 1; i < n_; ++i)
      for (int j = 0; j < n_; ++j)
        if (row(i)[j] < price_[size_t(j)]) {
          price_[size_t(j)] = row(i)[j];
          best[size_t(j)] = i;
        }
    for (int j = n_ - 1; j >= 0; --j)
      if (column_of_[size_t(best[size_t(j)])] < 0) {
        column_of_[size_t(best[size_t(j)])] = j;
        row_of_[size_t(j)] = best[size_t(j)];
      }
    for (int i = 0; i < n_; ++i)
      if (column_of_[size_t(i)] < 0) free_.push_back(i);
  }

  struct TwoBest {
    double first = std::numeric_limits<double>::infinity(), second = first;
    int column = -1, other = -1;
  };
  TwoBest two_best(int i) const {
    TwoBest b;
    const double* c = row(i);
    for (int j = 0; j < n_; ++j) {
      const double reduced = c[j] - price_[size_t(j)];
      if (reduced >= b.second) continue;
      if (reduced < b.first) {
        b.second = b.first;
        b.other = b.column;
        b.first = reduced;
        b.column = j;
      } else {
        b.second = reduced;
        b.other = j;
      }
    }
    return b;
  }

  /// Free rows bid for their best column, by as much as it is better than their second; the row put out bids next.
  void reduce_rows() {
    std::vector<int> waiting;
    waiting.swap(free_);
    // A row put out returns to the front only while prices strictly fall, so this ends; the bound guards against rounding.
    int64_t budget = int64_t(n_) * 50;
    for (size_t k = 0; k < waiting.size();) {
      const int i = waiting[k];
      const TwoBest best = two_best(i);
      int j = best.column;
      const bool gains = n_ > 1 && best.first < best.second;
      if (gains) price_[size_t(j)] -= best.second - best.first;
      else if (row_of_[size_t(j)] >= 0 && best.other >= 0) j = best.other;
      const int before = row_of_[size_t(j)];
      column_of_[size_t(i)] = j;
      row_of_[size_t(j)] = i;
      ++k;
      if (before < 0) continue;
      column_of_[size_t(before)] = -1;
      if (gains && --budget > 0) waiting[--k] = before;
      else free_.push_back(before);
    }
  }

  /// The shortest way (Dijkstra over columns) from a free row to a free column, along which assignments are exchanged.
  void augment(int start) {
    std::vector<double> distance(static_cast<size_t>(n_));
    std::vector<int> previous(size_t(n_), start), columns(static_cast<size_t>(n_));
    for (int j = 0; j < n_; ++j) {
      distance[size_t(j)] = row(start)[j] - price_[size_t(j)];
      columns[size_t(j)] = j;
    }
    int low = 0, up = 0, last = -1, end = -1;  // columns[0, low): done, [low, up): at the minimum, [up, n): to do
    double minimum = 0;
    while (end < 0) {
      if (low == up) {
        last = low - 1;
        minimum = distance[size_t(columns[size_t(up++)])];
        for (int k = up; k < n_; ++k) {
          const int j = columns[size_t(k)];
          const double d = distance[size_t(j)];
          if (d > minimum) continue;
          if (d < minimum) {
            up = low;
            minimum = d;
          }
          std::swap(columns[size_t(k)], columns[size_t(up++)]);
        }
        for (int k = low; k < up && end < 0; ++k)
          if (row_of_[size_t(columns[size_t(k)])] < 0) end = columns[size_t(k)];
      }
      while (end < 0 && low < up) {
        const int j1 = columns[size_t(low++)], i = row_of_[size_t(j1)];
        const double shift = row(i)[j1] - price_[size_t(j1)] - minimum;
        for (int k = up; k < n_; ++k) {
          const int j = columns[size_t(k)];
          const double through = row(i)[j] - price_[size_t(j)] - shift;
          if (through >= distance[size_t(j)]) continue;
          distance[size_t(j)] = through;
          previous[size_t(j)] = i;
          if (through > minimum) continue;
          if (row_of_[size_t(j)] < 0) {
            end = j;
            break;
          }
          std::swap(columns[size_t(k)], columns[size_t(up++)]);
        }
      }
    }
    for (int k = 0; k <= last; ++k) {
      const int j = columns[size_t(k)];
      price_[size_t(j)] += distance[size_t(j)] - minimum;
    }
    for (int i = -1; i != start;) {
      i = previous[size_t(end)];
      row_of_[size_t(end)] = i;
      std::swap(end, column_of_[size_t(i)]);
    }
  }

  const double* cost_;
  int n_;
  std::vector<int> column_of_, row_of_, free_;
  std::vector<double> price_;
};

}  // namespace

Tensor assign(const Tensor& cost) {
  check(cost.rank() == 2 && cost.size(0) == cost.size(1), "assign: costs ", cost.shape(), ": expected a square matrix [n, n]");
  const Tensor c = contiguous(cast(cost, float64));
  const int64_t n = c.size(0);
  check(n <= 40000, "assign: ", n, " rows: exact assignment is for up to 40000; use fewer samples");
  const double* data = c.data<double>();
  for (int64_t i = 0; i < n * n; ++i)
    check(std::isfinite(data[i]), "assign: the cost of row ", i / n, " and column ", i % n, " is ", data[i],
          ": expected finite numbers");
  Tensor out = Tensor::empty({n}, int64);
  if (n == 0) return out;
  const std::vector<int> columns = JonkerVolgenant(data, int(n)).solve();
  std::copy(columns.begin(), columns.end(), out.mutable_data<int64_t>());
  return out;
}

Tensor squared_distances(const Tensor& a, const Tensor& b) {
  check(a.rank() == 2 && b.rank() == 2 && a.size(1) == b.size(1), "squared_distances: ", a.shape(), " and ", b.shape(),
        ": expected [n, d] and [m, d]");
  const int64_t n = a.size(0), m = b.size(0), d = a.size(1);
  const Tensor x = contiguous(cast(a, float64)), y = contiguous(cast(b, float64));
  if (d > 8) {
    // ‖a‖² + ‖b‖² − 2 a·b: one matrix product; the cancellation is harmless in float64.
    const Tensor gram = matmul(x, transpose(y));
    const Tensor sum_of_squares = sum(square(x), -1, true) + reshape(sum(square(y), -1), {1, m});
    return maximum(sum_of_squares - gram * 2.0, 0.0);
  }
  Tensor out = Tensor::empty({n, m}, float64);
  double* to = out.mutable_data<double>();
  const double *p = x.data<double>(), *q = y.data<double>();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < d; ++k) sum += (p[i * d + k] - q[j * d + k]) * (p[i * d + k] - q[j * d + k]);
      to[i * m + j] = sum;
    }
  return out;
}

Tensor optimal_pairing(const Tensor& a, const Tensor& b) {
  check(a.shape() == b.shape(), "optimal_pairing: ", a.shape(), " and ", b.shape(), ": expected equally many rows");
  return assign(squared_distances(a, b));
}

}  // namespace pf
