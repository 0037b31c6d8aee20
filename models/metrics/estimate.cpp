#include "models/metrics/estimate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/ops/views.h"

namespace pf {

Estimate mean_of(std::span<const double> values) {
  const double n = double(values.size());
  double sum = 0, squares = 0;
  for (double v : values) sum += v;
  const double centre = sum / n;
  for (double v : values) squares += (v - centre) * (v - centre);
  return {centre, n > 1 ? std::sqrt(squares / (n - 1) / n) : NAN};
}

Estimate proportion(double k, double n) {
  const double p = k / n, centre = (p + 1 / (2 * n)) / (1 + 1 / n);
  const double half = std::sqrt(p * (1 - p) / n + 1 / (4 * n * n)) / (1 + 1 / n);
  return {p, std::abs(centre - p) + half};
}

double block_error(const Tensor& x, const Tensor& y,
                   const std::function<double(const Tensor&, const Tensor&)>& statistic) {
  constexpr int64_t blocks = 8;
  const int64_t rows = std::min(x.size(0), y.size(0)) / blocks;
  if (rows < 2) return NAN;
  std::vector<double> values;
  for (int64_t b = 0; b < blocks; ++b)
    values.push_back(statistic(slice(x, 0, b * rows, (b + 1) * rows), slice(y, 0, b * rows, (b + 1) * rows)));
  return mean_of(values).error;
}

void check_samples(const char* metric, const Tensor& x, const Tensor& y, int64_t least) {
  check(x.rank() == 2 && y.rank() == 2 && x.size(1) == y.size(1) && x.size(1) >= 1, metric, ": samples ", x.shape(),
        " and ", y.shape(), ": expected [n, d] and [m, d]");
  check(x.size(0) >= least && y.size(0) >= least, metric, ": ", std::min(x.size(0), y.size(0)),
        " samples: expected at least ", least);
}

}  // namespace pf
