#include "models/metrics/mmd.h"

#include <algorithm>

#include "models/metrics/two_sample.h"
#include "tensor/ops/views.h"

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

double median_distance(const Tensor& x) {
  check_samples("median distance", x, x, 2);
  const int64_t n = std::min<int64_t>(x.size(0), 1000);
  const Tensor some = slice(x, 0, 0, n), distances = to_device(squared_distances(some, some), Device::cpu());
  std::vector<double> pairs;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i + 1; j < n; ++j) pairs.push_back(distances.data<double>()[i * n + j]);
  const auto middle = pairs.begin() + int64_t(pairs.size() / 2);
  std::nth_element(pairs.begin(), middle, pairs.end());
  return std::sqrt(*middle);
}

}  // namespace pf
