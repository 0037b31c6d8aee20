#pragma once
// The noise of DDPM in any number of steps.

#include <cmath>
#include <vector>

namespace pf::testing {

/// Ratios, from the noisiest, of T steps of β from 10⁻⁴ to 0.02, scaled to as much noise as with T = 1000 (Ho et al. 2020).
inline std::vector<double> ddpm_grid(int64_t steps) {
  std::vector<double> out;
  double log_alpha = 0;
  for (int64_t i = 0; i < steps; ++i) {
    const double beta = (1e-4 + (0.02 - 1e-4) * double(i) / double(steps - 1)) * 1000 / double(steps);
    log_alpha += 0.5 * std::log1p(-beta);
    out.insert(out.begin(), 0.5 * std::log(std::expm1(-2 * log_alpha)));
  }
  return out;
}

}  // namespace pf::testing
