#include "models/assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"
#include "tensor/simd.h"

namespace pf {
namespace {

// Jonker & Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", with
// rows read in registers. Prices of columns are kept such that every assigned pair is the minimum of its row of
// cost[i][j] - price[j]; an assignment of all rows is then optimal.
class JonkerVolgenant {
 public:
  JonkerVolgenant(const double* cost, int n)
      : n_(n),
        padded_((n + V::width - 1) / V::width * V::width),
        cost_(size_t(n) * size_t(padded_), infinity),
        column_of_(size_t(n), -1),
        row_of_(size_t(n), -1),
        price_(size_t(padded_)),
        distance_(size_t(padded_)),
        open_(size_t(padded_)),
        level_(size_t(padded_)),
        previous_(size_t(padded_)) {
    for (int i = 0; i < n; ++i) std::copy_n(cost + int64_t(i) * n, n, cost_.data() + int64_t(i) * padded_);
    double numbers[V::width];
    for (int lane = 0; lane < V::width; ++lane) numbers[lane] = lane;
    lanes_ = V::load(numbers);
  }

  std::vector<int> solve() {
    reduce_columns();
    reduce_rows();
    reduce_rows();
    for (int row : std::vector<int>(free_)) augment(row);
    return column_of_;
  }

 private:
  using V = Vec<double>;
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  const double* row(int i) const { return cost_.data() + int64_t(i) * padded_; }

  /// Each column offers itself to its cheapest row; rows that are taken leave the column free.
  void reduce_columns() {
    std::vector<int> best(size_t(n_), 0);
    std::copy_n(row(0), n_, price_.data());
    for (int i = 1; i < n_; ++i)
      for (int j = 0; j < n_; ++j)
        if (row(i)[j] < price_[size_t(j)]) {
          price_[size_t(j)] = row(i)[j];
          best[size_t(j)] = i;
        }
    for (int j = n_ - 1; j >= 0; --j)
      if (const int i = best[size_t(j)]; column_of_[size_t(i)] < 0) {
        column_of_[size_t(i)] = j;
        row_of_[size_t(j)] = i;
      }
    for (int i = 0; i < n_; ++i)
      if (column_of_[size_t(i)] < 0) free_.push_back(i);
  }

  struct TwoBest {
    double first = infinity, second = infinity;
    int column = -1;  // of the first
  };
  TwoBest two_best(int i) const {
    V first(infinity), second(infinity), place(-1.0), at = lanes_;
    const double* c = row(i);
    for (int j = 0; j < padded_; j += V::width, at += V(double(V::width))) {
      const V reduced = V::load(c + j) - V::load(price_.data() + j);
      const auto better = reduced < first;
      second = math::select(better, first, math::select(reduced < second, reduced, second));
      place = math::select(better, at, place);
      first = math::select(better, reduced, first);
    }
    TwoBest out;
    for (int lane = 0; lane < V::width; ++lane) {
      if (first[lane] < out.first) {
        out.second = std::min(out.first, second[lane]);
        out.first = first[lane];
        out.column = int(place[lane]);
      } else {
        out.second = std::min(out.second, first[lane]);
      }
    }
    return out;
  }

  /// Free rows bid for their best column, by as much as it is better than their second; the row put out bids next. Bids
  /// can become tiny and many, so they are limited: what is left is done by `augment`.
  void reduce_rows() {
    std::vector<int> waiting;
    waiting.swap(free_);
    int64_t budget = 2 * int64_t(n_);
    for (size_t k = 0; k < waiting.size(); ++k) {
      for (int i = waiting[k]; i >= 0;) {
        const TwoBest best = two_best(i);
        const int before = row_of_[size_t(best.column)];
        if (before >= 0 && (best.first == best.second || --budget < 0)) {
          free_.push_back(i);
          break;
        }
        if (best.second < infinity) price_[size_t(best.column)] -= best.second - best.first;
        column_of_[size_t(i)] = best.column;
        row_of_[size_t(best.column)] = i;
        if (before >= 0) column_of_[size_t(before)] = -1;
        i = before;
      }
    }
  }

  /// The shortest way (Dijkstra over columns) from a free row to a free column, along which assignments are exchanged.
  void augment(int start) {
    std::copy(price_.begin(), price_.end(), level_.begin());
    std::fill(open_.begin(), open_.end(), infinity);
    done_.clear();
    double minimum = 0, shift = 0;
    int end = -1;
    for (int i = start;;) {
      V least(infinity), place(-1.0), at = lanes_;
      const V from = V(double(i)), shifts = V(shift);
      const double* c = row(i);
      for (int j = 0; j < padded_; j += V::width, at += V(double(V::width))) {
        const V through = V::load(c + j) - V::load(level_.data() + j) - shifts, old = V::load(open_.data() + j);
        const auto better = through < old;
        const V now = math::select(better, through, old);
        now.store(open_.data() + j);
        math::select(better, from, V::load(previous_.data() + j)).store(previous_.data() + j);
        const auto nearest = now < least;
        least = math::select(nearest, now, least);
        place = math::select(nearest, at, place);
      }
      minimum = infinity;
      for (int lane = 0; lane < V::width; ++lane)
        if (least[lane] < minimum) {
          minimum = least[lane];
          end = int(place[lane]);
        }
      i = row_of_[size_t(end)];
      if (i < 0) break;
      distance_[size_t(end)] = minimum;
      open_[size_t(end)] = infinity;
      level_[size_t(end)] = -infinity;  // nothing gets nearer to it any more
      done_.push_back(end);
      shift = row(i)[end] - price_[size_t(end)] - minimum;
    }
    for (int j : done_) price_[size_t(j)] += distance_[size_t(j)] - minimum;
    for (int i = -1; i != start;) {
      i = int(previous_[size_t(end)]);
      row_of_[size_t(end)] = i;
      std::swap(end, column_of_[size_t(i)]);
    }
  }

  int n_, padded_;            // rows are padded with columns of infinite cost
  std::vector<double> cost_;  // [n, padded]
  std::vector<int> column_of_, row_of_, free_, done_;
  std::vector<double> price_, distance_;
  std::vector<double> open_, level_,
      previous_;  // of `augment`: least known distance (done: infinite), price, row before
  V lanes_;       // 0, 1, 2 …
};

}  // namespace

Tensor assign(const Tensor& cost) {
  check(cost.rank() == 2 && cost.size(0) == cost.size(1), "assign: costs ", cost.shape(),
        ": expected a square matrix [n, n]");
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
