#include "models/interpolation.h"

#include <cmath>
#include <numbers>

#include "tensor/ops/join.h"
#include "tensor/ops/special.h"

namespace pf {

Tensor interpolate(const Distribution& base, const Tensor& a, const Tensor& b, int64_t count) {
  check_rows("interpolate", a.shape(), base.width());
  check(a.shape() == b.shape(), "interpolate: from ", a.shape(), " to ", b.shape(), ": shapes must agree");
  check(count >= 2, "interpolate: ", count, " points: expected at least 2");
  const Tensor from = ndtri(base.to_uniform(cast(a, float64))), to = ndtri(base.to_uniform(cast(b, float64)));
  std::vector<Tensor> points;
  for (int64_t i = 0; i < count; ++i) {
    const double angle = 0.5 * std::numbers::pi * double(i) / double(count - 1);
    const Tensor mixed = from * std::cos(angle) + to * std::sin(angle);
    points.push_back(i == 0 ? a : i + 1 == count ? b : cast(base.from_uniform(ndtr(mixed)), a.dtype()));
  }
  return stack(points, 0);
}

}  // namespace pf
