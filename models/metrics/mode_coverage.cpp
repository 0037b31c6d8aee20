#include "models/metrics/mode_coverage.h"

#include <cmath>

namespace pf {

ModeCoverage mode_coverage(const Tensor& x, const Modes& modes) {
  check(x.rank() == 2 && x.size(1) == 2, "mode coverage: samples ", x.shape(), ": expected [n, 2]");
  check(x.size(0) >= 1, "mode coverage: no samples: expected at least 1");
  ModeCoverage out;
  out.modes = int64_t(modes.centres.size());
  out.counts.resize(modes.centres.size());
  const std::vector<double> points = contiguous(cast(x, float64)).to_vector<double>();
  const double n = double(x.size(0));
  int64_t good = 0;
  for (size_t i = 0; i < points.size(); i += 2) {
    size_t nearest = 0;
    double least = INFINITY;
    for (size_t k = 0; k < modes.centres.size(); ++k) {
      const double distance = std::hypot(points[i] - modes.centres[k][0], points[i + 1] - modes.centres[k][1]);
      if (distance >= least) continue;
      least = distance;
      nearest = k;
    }
    if (least > 3 * modes.sigma) continue;
    ++out.counts[nearest];
    ++good;
  }
  out.high_quality = proportion(double(good), n);
  for (int64_t count : out.counts) {
    out.captured += count >= 1;
    out.well_captured += count >= 1 && double(count) >= n / (10 * double(out.modes));
    if (count > 0) {
      const double q = double(count) / double(good);
      out.reverse_kl += q * std::log(q * double(out.modes));
    }
  }
  return out;
}

}  // namespace pf
