#include "models/metrics/energy_distance.h"

#include "models/metrics/two_sample.h"

namespace pf {

Estimate energy_distance(const Tensor& x, const Tensor& y) {
  return detail::u_statistic("energy distance", x, y, [](double squared) { return -std::sqrt(squared); });
}

}  // namespace pf
