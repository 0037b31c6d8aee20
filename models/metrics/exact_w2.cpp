#include "models/metrics/exact_w2.h"

#include <cmath>

#include "models/assignment.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/index.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

double distance_of(const Tensor& x, const Tensor& y) {
  const Tensor a = cast(x, float64), b = index_select(cast(y, float64), 0, optimal_pairing(x, y));
  return std::sqrt(mean(sum(square(a - b), -1)).item());
}

}  // namespace

Estimate exact_w2(const Tensor& x, const Tensor& y) {
  check_samples("exact W2", x, y, 1);
  check(x.size(0) == y.size(0), "exact W2: ", x.size(0), " and ", y.size(0), " samples: expected equally many");
  return {distance_of(x, y), block_error(x, y, distance_of)};
}

}  // namespace pf
