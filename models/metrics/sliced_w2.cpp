#include "models/metrics/sliced_w2.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// Both samples along every direction: rows of [directions, n], float64.
double distance_of(const Tensor& x, const Tensor& y) {
  const int64_t directions = x.size(0), n = x.size(1);
  double sum = 0;
  std::vector<double> a, b;
  for (int64_t k = 0; k < directions; ++k) {
    a = contiguous(pick(x, 0, k)).to_vector<double>();
    b = contiguous(pick(y, 0, k)).to_vector<double>();
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  }
  return std::sqrt(sum / double(directions * n));
}

}  // namespace

Tensor random_directions(int64_t directions, int64_t d, Rng& rng) {
  check(directions >= 1, "sliced W2: ", directions, " directions: expected at least 1");
  const Tensor g = rng.normal({directions, d}, float64);
  return g / sqrt(sum(square(g), -1, true));
}

Estimate sliced_w2(const Tensor& x, const Tensor& y, const Tensor& directions) {
  check_samples("sliced W2", x, y, 1);
  check(x.size(0) == y.size(0), "sliced W2: ", x.size(0), " and ", y.size(0), " samples: expected equally many");
  check(directions.rank() == 2 && directions.size(1) == x.size(1), "sliced W2: directions ", directions.shape(),
        ": expected [directions, ", x.size(1), "]");
  auto project = [&](const Tensor& points) { return matmul(directions, transpose(cast(points, float64))); };
  const Tensor a = project(x), b = project(y);
  auto statistic = [](const Tensor& p, const Tensor& q) { return distance_of(transpose(p), transpose(q)); };
  return {distance_of(a, b), block_error(transpose(a), transpose(b), statistic)};
}

Estimate sliced_w2(const Tensor& x, const Tensor& y, Rng& rng, int64_t directions) {
  check_samples("sliced W2", x, y, 1);
  return sliced_w2(x, y, random_directions(directions, x.size(1), rng));
}

}  // namespace pf
