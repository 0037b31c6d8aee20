#include "models/metrics/likelihood.h"

#include <cmath>
#include <numbers>

namespace pf {

Estimate negative_log_likelihood(const LogDensity& density) {
  check(density.kind != DensityKind::none, "NLL: the family has no density");
  check(density.value.numel() >= 1, "NLL: no rows: expected at least 1");
  std::vector<double> values = contiguous(cast(density.value, float64)).to_vector<double>();
  for (double& v : values) v = -v;
  Estimate out = mean_of(values);
  if (!std::isfinite(out.value)) out.error = NAN;
  return out;
}

Estimate bits_per_dimension(const Estimate& nats, int64_t d) {
  check(d >= 1, "bits per dimension: ", d, " dimensions: expected at least 1");
  const double factor = 1 / (double(d) * std::numbers::ln2);
  return {nats.value * factor, nats.error * factor};
}

}  // namespace pf
