#include "models/metrics/exact_w2.h"

#include <cmath>

#include "models/assignment.h"

namespace pf {
namespace {

double distance_of(const Tensor& x, const Tensor& y) {
  const Tensor cost = squared_distances(x, y);
  const Tensor pairing = assign(cost);
  const int64_t n = x.size(0);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += cost.data<double>()[i * n + pairing.data<int64_t>()[i]];
  return std::sqrt(sum / double(n));
}

}  // namespace

Estimate exact_w2(const Tensor& x, const Tensor& y) {
  check_samples("exact W2", x, y, 1);
  check(x.size(0) == y.size(0), "exact W2: ", x.size(0), " and ", y.size(0), " samples: expected equally many");
  return {distance_of(x, y), block_error(x, y, distance_of)};
}

}  // namespace pf
