#include "models/metrics/mmd.h"

#include <algorithm>

#include "models/metrics/two_sample.h"
#include "tensor/ops/power.h"
#include "tensor/ops/sort.h"
#include "tensor/ops/views.h"
#include "tensor/recording.h"

namespace pf {

Estimate mmd2(const Tensor& x, const Tensor& y, double bandwidth) {
  check(bandwidth > 0, "MMD²: bandwidth ", bandwidth, ": expected a positive number");
  const double factor = -0.5 / (bandwidth * bandwidth);
  return detail::u_statistic("MMD²", x, y, [=](double squared) { return std::exp(factor * squared); });
}

Estimate mmd2_mixture(const Tensor& x, const Tensor& y, double scale) {
  check(scale > 0, "MMD²: scale ", scale, ": expected a positive number; are all points the same?");
  const double factor = -0.5 / (16 * scale * scale);  // of the widest kernel
  return detail::u_statistic("MMD²", x, y, [=](double squared) {
    // Half the bandwidth is the fourth power of the kernel: one exponential for all five.
    double k = std::exp(factor * squared), sum = k;
    for (int i = 0; i < 4; ++i) {
      k *= k;
      k *= k;
      sum += k;
    }
    return sum * 0.2;
  });
}

double median_distance(const Tensor& x) { return median_distance_there(x).item(); }

Tensor median_distance_there(const Tensor& x) {
  check_samples("median distance", x, x, 2);
  const int64_t n = std::min<int64_t>(x.size(0), 1000), middle = n * (n - 1) / 4;
  const Tensor some = slice(x, 0, 0, n), distances = squared_distances(some, some);
  // Among all numbers of the matrix the n of the diagonal come first, and then each pair twice.
  if (x.device().is_cuda()) return sqrt(pick(sort(reshape(distances, {n * n}), 0).values, 0, n + 2 * middle));
  const auto select = [n, middle](const Tensor& squares) {
    std::vector<double> pairs;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = i + 1; j < n; ++j) pairs.push_back(squares.data<double>()[i * n + j]);
    std::nth_element(pairs.begin(), pairs.begin() + middle, pairs.end());
    const UseDevice here(Device::cpu());
    return full({}, std::sqrt(pairs[size_t(middle)]), float64);
  };
  return detail::replayable_on_host(select, distances);
}

}  // namespace pf
