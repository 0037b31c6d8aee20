#pragma once
// How many of the modes of a mixture of Gaussians a model has found (Lin et al. 2018, PacGAN, arXiv 1712.04086, section 4.1).
// A sample is of high quality within three standard deviations of the nearest mode: true samples of a 2-D mixture are in
// 98.889 % of cases, which is the most that can be asked.

#include "models/metrics/estimate.h"
#include "nn/data/synthetic.h"

namespace pf {

/// The part of true samples of a 2-D Gaussian that lies within three standard deviations: 1 − e^(−9/2).
inline constexpr double high_quality_ceiling = 0.98889100346175773;

struct ModeCoverage {
  int64_t modes = 0;          // there are
  int64_t captured = 0;       // with at least one sample of high quality
  int64_t well_captured = 0;  // with at least a tenth of their share of all samples, of high quality
  Estimate high_quality;      // part of the samples
  double reverse_kl = 0;      // Σ q log(q/p) of the modes of samples of high quality: 0 when all are equally frequent
  std::vector<int64_t> counts;  // samples of high quality of each mode
};

/// x: [n, 2].
ModeCoverage mode_coverage(const Tensor& x, const Modes& modes);

}  // namespace pf
