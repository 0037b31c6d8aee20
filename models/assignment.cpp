#include "models/assignment.h"
#include "models/squared_distances.h"

#include <algorithm>
#include <array>
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

constexpr double infinity = std::numeric_limits<double>::infinity();

int64_t padded(int64_t n) {
  constexpr int64_t width = Vec<float>::width;
  return (n + width - 1) / width * width;
}

/// Costs from a table, held in double and, for the auction, in float.
class TableCosts {
 public:
  TableCosts(const double* cost, int n)
      : n_(n), stride_(padded(n)), exact_(size_t(n) * size_t(stride_)), rough_(exact_.size()) {
    double least = infinity;
    for (int64_t i = 0; i < int64_t(n) * n; ++i) least = std::min(least, cost[i]);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        const double c = cost[i * n + j];
        exact_[size_t(i * stride_ + j)] = c;
        rough_[size_t(i * stride_ + j)] = float(c - least);  // what is common to all would only cost digits
      }
  }
  int size() const { return n_; }

  template <class T> struct Row {
    const T* cost;
    Vec<T> operator()(int64_t j) const { return Vec<T>::load(cost + j); }
  };
  template <class T> Row<T> row(int i) const {
    if constexpr (std::is_same_v<T, float>) return {rough_.data() + i * stride_};
    else return {exact_.data() + i * stride_};
  }

 private:
  int n_;
  int64_t stride_;
  std::vector<double> exact_;  // [n, stride]
  std::vector<float> rough_;
};

/// Squared distances of points in d dimensions, computed where they are needed: no table of n² numbers to read.
template <int d> class PointCosts {
 public:
  PointCosts(const Tensor& a, const Tensor& b) : n_(int(a.size(0))) {
    a_ = columns<double>(a);
    b_ = columns<double>(b);
    for (int k = 0; k < d; ++k) {
      rough_a_[size_t(k)].assign(a_[size_t(k)].begin(), a_[size_t(k)].end());
      rough_b_[size_t(k)].assign(b_[size_t(k)].begin(), b_[size_t(k)].end());
    }
  }
  int size() const { return n_; }

  template <class T> struct Row {
    std::array<Vec<T>, size_t(d)> at;
    std::array<const T*, size_t(d)> points;
    Vec<T> operator()(int64_t j) const {
      Vec<T> sum(0);
      for (size_t k = 0; k < size_t(d); ++k) {
        const Vec<T> apart = Vec<T>::load(points[k] + j) - at[k];
        sum = Vec<T>::fma(apart, apart, sum);
      }
      return sum;
    }
  };
  template <class T> Row<T> row(int i) const {
    Row<T> out;
    for (size_t k = 0; k < size_t(d); ++k) {
      if constexpr (std::is_same_v<T, float>) {
        out.at[k] = rough_a_[k][size_t(i)];
        out.points[k] = rough_b_[k].data();
      } else {
        out.at[k] = a_[k][size_t(i)];
        out.points[k] = b_[k].data();
      }
    }
    return out;
  }

 private:
  template <class T> using Columns = std::array<std::vector<T>, size_t(d)>;

  /// Coordinate by coordinate, about their mean: shifting all points of one list changes every assignment's cost alike.
  template <class T> static Columns<T> columns(const Tensor& x) {
    const int64_t n = x.size(0);
    const double* from = x.data<double>();
    Columns<T> out;
    for (int64_t k = 0; k < d; ++k) {
      double mean = 0;
      for (int64_t i = 0; i < n; ++i) mean += from[i * d + k] / double(n);
      out[size_t(k)].resize(size_t(padded(n)));
      for (int64_t i = 0; i < n; ++i) out[size_t(k)][size_t(i)] = from[i * d + k] - mean;
    }
    return out;
  }

  int n_;
  Columns<double> a_, b_;
  Columns<float> rough_a_, rough_b_;
};

/// The column of least cost - price in one row, and the two least values.
template <class T> struct TwoBest {
  T first = std::numeric_limits<T>::infinity(), second = first;
  int column = -1;
};

template <class Row, class T> TwoBest<T> two_best(const Row& cost, const std::vector<T>& price) {
  using V = Vec<T>;
  T numbers[V::width];
  for (int lane = 0; lane < V::width; ++lane) numbers[lane] = T(lane);
  V first(std::numeric_limits<T>::infinity()), second = first, place(-1), at = V::load(numbers);
  const int64_t n = int64_t(price.size());
  for (int64_t j = 0; j < n; j += V::width, at += V(V::width)) {
    const V reduced = cost(j) - V::load(price.data() + j);
    second = V::machine_min(second, V::machine_max(reduced, first));
    place = math::select(reduced < first, at, place);
    first = V::machine_min(first, reduced);
  }
  TwoBest<T> out;
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

/// Prices of columns that are nearly those of an optimal assignment, by an auction whose least bid falls in stages (Bertsekas
/// 1988, "The auction algorithm"). They are only where the exact search starts, so single precision is enough.
template <class Costs> std::vector<float> auction(const Costs& costs) {
  const int n = costs.size();
  std::vector<float> price(size_t(padded(n)),
                           -std::numeric_limits<float>::infinity());  // nobody buys what is not there
  std::fill_n(price.begin(), n, 0.0f);
  std::vector<int> owner(static_cast<size_t>(n));
  std::vector<int> waiting;

  float spread = 0;  // of costs, as 16 rows show it
  for (int k = 0; k < 16; ++k) {
    using V = Vec<float>;
    const auto row = costs.template row<float>(int(int64_t(k) * n / 16));
    V least = row(0), most = least;
    for (int64_t j = V::width; j + V::width <= n; j += V::width) {
      least = V::machine_min(least, row(j));
      most = V::machine_max(most, row(j));
    }
    for (int lane = 0; lane < std::min(V::width, n); ++lane) spread = std::max(spread, most[lane] - least[lane]);
  }
  for (float bid = spread / 32; bid > spread / float(8 * n); bid /= 5) {
    std::fill(owner.begin(), owner.end(), -1);
    for (int i = n - 1; i >= 0; --i) waiting.push_back(i);
    // The limit is far above what a stage needs; it ends those in which a bid no longer changes a large price.
    for (int64_t left = 100 * int64_t(n); !waiting.empty() && left > 0; --left) {
      const int i = waiting.back();
      waiting.pop_back();
      const TwoBest<float> best = two_best(costs.template row<float>(i), price);
      if (best.column < 0) continue;  // costs beyond what float can hold
      const size_t column = size_t(best.column);
      if (best.second < std::numeric_limits<float>::infinity()) price[column] -= best.second - best.first + bid;
      if (owner[column] >= 0) waiting.push_back(owner[column]);
      owner[column] = i;
    }
    waiting.clear();
  }
  for (int j = 0; j < n; ++j)
    if (!(price[size_t(j)] > -1e37f)) price[size_t(j)] = 0;  // overflow: any finite price will do
  return price;
}

// Jonker & Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", started
// from the prices of an auction. Prices are kept such that every assigned pair is the minimum of its row of
// cost[i][j] - price[j]; an assignment of all rows is then optimal.
template <class Costs> class JonkerVolgenant {
 public:
  explicit JonkerVolgenant(const Costs& costs)
      : costs_(costs), n_(costs.size()), column_of_(size_t(n_), -1), row_of_(size_t(n_), -1) {
    const std::vector<float> start = auction(costs);
    price_.assign(start.begin(), start.end());
    distance_.resize(price_.size());
    open_.resize(price_.size());
    level_.resize(price_.size());
    previous_.resize(price_.size());
    double numbers[V::width];
    for (int lane = 0; lane < V::width; ++lane) numbers[lane] = lane;
    lanes_ = V::load(numbers);
  }

  std::vector<int> solve() {
    for (int i = 0; i < n_; ++i) {
      const int column = best(i).column;
      if (row_of_[size_t(column)] < 0) {
        column_of_[size_t(i)] = column;
        row_of_[size_t(column)] = i;
      } else {
        free_.push_back(i);
      }
    }
    reduce_rows();
    for (int row : std::vector<int>(free_)) augment(row);
    return column_of_;
  }

 private:
  using V = Vec<double>;

  TwoBest<double> best(int i) const { return two_best(costs_.template row<double>(i), price_); }

  /// Free rows bid for their best column, by as much as it is better than their second; the row put out bids next. Bids
  /// can become tiny and many, so they are limited: what is left is done by `augment`.
  void reduce_rows() {
    std::vector<int> waiting;
    waiting.swap(free_);
    int64_t budget = n_;
    for (size_t k = 0; k < waiting.size(); ++k) {
      for (int i = waiting[k]; i >= 0;) {
        const TwoBest<double> two = best(i);
        const int before = row_of_[size_t(two.column)];
        if (before >= 0 && (two.first == two.second || --budget < 0)) {
          free_.push_back(i);
          break;
        }
        if (two.second < infinity) price_[size_t(two.column)] -= two.second - two.first;
        column_of_[size_t(i)] = two.column;
        row_of_[size_t(two.column)] = i;
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
      const auto cost = costs_.template row<double>(i);
      for (int64_t j = 0; j < int64_t(price_.size()); j += V::width, at += V(double(V::width))) {
        const V through = cost(j) - V::load(level_.data() + j) - shifts, old = V::load(open_.data() + j);
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
      const double cost_to_end = reduced_cost(i, end);
      distance_[size_t(end)] = minimum;
      open_[size_t(end)] = infinity;
      level_[size_t(end)] = -infinity;  // nothing gets nearer to it any more
      done_.push_back(end);
      shift = cost_to_end - minimum;
    }
    for (int j : done_) price_[size_t(j)] += distance_[size_t(j)] - minimum;
    for (int i = -1; i != start;) {
      i = int(previous_[size_t(end)]);
      row_of_[size_t(end)] = i;
      std::swap(end, column_of_[size_t(i)]);
    }
  }

  double reduced_cost(int i, int j) const {
    const int first = j / V::width * V::width;
    return costs_.template row<double>(i)(first)[j - first] - price_[size_t(j)];
  }

  const Costs& costs_;
  int n_;
  std::vector<int> column_of_, row_of_, free_, done_;
  std::vector<double> price_, distance_;
  std::vector<double> open_, level_,
      previous_;  // of `augment`: least known distance (done: infinite), price, row before
  V lanes_;       // 0, 1, 2 …
};

constexpr int64_t most_rows = 40000;

template <class Costs> Tensor solve(const Costs& costs) {
  Tensor out = Tensor::empty({costs.size()}, int64);
  if (costs.size() == 0) return out;
  const std::vector<int> columns = JonkerVolgenant<Costs>(costs).solve();
  std::copy(columns.begin(), columns.end(), out.mutable_data<int64_t>());
  return out;
}

}  // namespace

Tensor assign(const Tensor& cost) {
  if (detail::watching) [[unlikely]]
    return detail::replayable_on_host(assign, cost);
  check(cost.rank() == 2 && cost.size(0) == cost.size(1), "assign: costs ", cost.shape(),
        ": expected a square matrix [n, n]");
  const Tensor c = to_device(contiguous(cast(cost, float64)), Device::cpu());
  const int64_t n = c.size(0);
  check(n <= most_rows, "assign: ", n, " rows: exact assignment is for up to ", most_rows, "; use fewer samples");
  const double* data = c.data<double>();
  for (int64_t i = 0; i < n * n; ++i)
    check(std::isfinite(data[i]), "assign: the cost of row ", i / n, " and column ", i % n, " is ", data[i],
          ": expected finite numbers");
  return to_device(solve(TableCosts(data, int(n))), cost.device());
}

namespace {

Tensor finite_points(const Tensor& x) {
  const Tensor out = to_device(contiguous(cast(x, float64)), Device::cpu());
  const double* data = out.data<double>();
  for (int64_t i = 0; i < out.numel(); ++i)
    check(std::isfinite(data[i]), "optimal_pairing: coordinate ", i % x.size(1), " of point ", i / x.size(1), " is ",
          data[i], ": expected finite numbers");
  return out;
}

}  // namespace

Tensor optimal_pairing(const Tensor& a, const Tensor& b) {
  if (detail::watching) [[unlikely]]
    return detail::replayable_on_host(optimal_pairing, a, b);
  check(a.rank() == 2 && a.shape() == b.shape(), "optimal_pairing: ", a.shape(), " and ", b.shape(),
        ": expected two lists [n, d] with equally many rows");
  const int64_t n = a.size(0), d = a.size(1);
  if (d < 1 || d > 3) return assign(squared_distances(a, b));
  check(n <= most_rows, "optimal_pairing: ", n, " rows: exact assignment is for up to ", most_rows,
        "; use fewer samples");
  const Tensor x = finite_points(a), y = finite_points(b);
  if (d == 1) return to_device(solve(PointCosts<1>(x, y)), a.device());
  if (d == 2) return to_device(solve(PointCosts<2>(x, y)), a.device());
  return to_device(solve(PointCosts<3>(x, y)), a.device());
}

}  // namespace pf
