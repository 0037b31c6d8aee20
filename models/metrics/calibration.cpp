#include "models/metrics/calibration.h"

#include <algorithm>
#include <cmath>

#include "tensor/ops/views.h"

namespace pf {

double kolmogorov_tail(double t) {
  if (t < 0.2) return 1;  // the series alternates too slowly there, and the tail is 1 to twelve digits
  double sum = 0;
  for (int j = 1; j <= 40; ++j) sum += (j % 2 ? 2 : -2) * std::exp(-2.0 * j * j * t * t);
  return std::clamp(sum, 0.0, 1.0);
}

Uniformity uniformity(const Tensor& u) {
  check(u.rank() == 2 && u.size(0) >= 1 && u.size(1) >= 1, "calibration: ", u.shape(), ": expected [n, d]");
  const double n = double(u.size(0));
  Uniformity out;
  for (int64_t j = 0; j < u.size(1); ++j) {
    std::vector<double> column = contiguous(cast(slice(u, 1, j, j + 1), float64)).to_vector<double>();
    std::sort(column.begin(), column.end());
    double distance = 0, place = 0;
    for (size_t i = 0; i < column.size(); ++i) {
      const double gap = std::max(column[i] - double(i) / n, double(i + 1) / n - column[i]);
      if (gap <= distance) continue;
      distance = gap;
      place = std::clamp(column[i], 0.0, 1.0);
    }
    out.distances.push_back(distance);
    if (distance > out.largest.value) out.largest = {distance, std::sqrt(place * (1 - place) / n)};
  }
  const double tail = kolmogorov_tail(std::sqrt(n) * out.largest.value);
  out.p_value = 1 - std::pow(1 - tail, double(u.size(1)));
  out.expected = 0.8687 / std::sqrt(n);
  return out;
}

Uniformity calibration(const Transform& map, const Tensor& rows, const Tensor& context) {
  return uniformity(map.base().to_uniform(map.pull(Variable(rows), context).value()));
}

}  // namespace pf
