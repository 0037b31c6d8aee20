#include "models/tempering.h"

#include "tensor/ops/special.h"

namespace pf {
namespace {

void check_tempering(const Tempering& t) {
  check(t.temperature > 0, "tempering: temperature ", t.temperature,
        ": expected a positive number, below 1 to sharpen");
  check(!t.truncation || *t.truncation > 0, "tempering: truncation at ", t.truncation.value_or(0),
        ": expected a positive number of deviations");
}

}  // namespace

Tensor tempered_noise(const Distribution& base, const Tensor& normal, const Tempering& tempering) {
  check_tempering(tempering);
  Tensor w = normal;
  // At its own quantile of the cut law, which is what drawing anew comes to.
  if (tempering.truncation) {
    const double c = *tempering.truncation;
    const double low = ndtr(full({1}, -c, float64)).item(), high = ndtr(full({1}, c, float64)).item();
    w = cast(ndtri(ndtr(cast(w, float64)) * (high - low) + low), normal.dtype());
  }
  return base.from_normal(Variable(w * tempering.temperature)).value();
}

Tensor tempered_noise(const Distribution& base, int64_t n, Rng& rng, const Tempering& tempering, DType dtype) {
  if (!tempering.changes_something()) return base.sample(n, rng, dtype);
  return tempered_noise(base, rng.normal({n, base.width()}, dtype), tempering);
}

}  // namespace pf
