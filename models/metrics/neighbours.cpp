#include "models/metrics/neighbours.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "models/squared_distances.h"

namespace pf {
namespace {

/// Squared distance of each row to its k-th neighbour, itself not counted.
std::vector<double> squared_radii(const Tensor& x, int64_t k) {
  const Tensor distances = to_device(squared_distances(x, x), Device::cpu());
  const int64_t n = x.size(0);
  std::vector<double> out, row;
  for (int64_t i = 0; i < n; ++i) {
    const double* d = distances.data<double>() + i * n;
    row.assign(d, d + n);
    row.erase(row.begin() + i);
    std::nth_element(row.begin(), row.begin() + (k - 1), row.end());
    out.push_back(row[size_t(k - 1)]);
  }
  return out;
}

}  // namespace

NeighbourMetrics neighbour_metrics(const Tensor& real, const Tensor& fake, int64_t k) {
  check(k >= 1, "neighbour metrics: ", k, " neighbours: expected at least 1");
  check_samples("neighbour metrics", real, fake, k + 1);
  const std::vector<double> of_real = squared_radii(real, k), of_fake = squared_radii(fake, k);
  const Tensor distances = to_device(squared_distances(real, fake), Device::cpu());
  const size_t n = of_real.size(), m = of_fake.size();
  const double* d = distances.data<double>();
  std::vector<double> precise(m), balls(m), recalled(n), covered(n);  // 0 or 1, but for balls
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < m; ++j) {
      const double distance = d[i * m + j];
      if (distance < of_real[i]) {
        precise[j] = covered[i] = 1;
        balls[j] += 1.0 / double(k);
      }
      if (distance < of_fake[j]) recalled[i] = 1;
    }
  }
  const auto part = [](const std::vector<double>& hits) {
    return proportion(std::accumulate(hits.begin(), hits.end(), 0.0), double(hits.size()));
  };
  return {part(precise), part(recalled), mean_of(balls), part(covered)};
}

}  // namespace pf
