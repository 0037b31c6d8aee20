#pragma once
// How noise comes in: x_t = α x₀ + σ ε with α² + σ² = 1. A point on the way is named by the logarithm of its ratio of noise
// to signal, ln(σ/α) (minus half the log signal-to-noise ratio); a schedule says which ratios there are, how closely a
// sampler steps through them and how often each is trained. Data are in units of their own standard deviation.
//
// The variance-exploding process of Karras et al., x̄ = x₀ + σ̄ ε, is the same process seen through another scale:
// x_t = x̄ / √(1 + σ̄²) and σ̄ = σ/α. So one notation serves all of them, and noise at the end has variance 1.

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace pf {

/// α and σ at one ratio, α² + σ² = 1.
struct NoiseLevel {
  double alpha = 1, sigma = 0;
  static NoiseLevel at(double log_ratio);
};

enum class NoiseScheduleKind {
  edm,  // σ̄ from 0.002 to 80 for data of deviation ½, ρ = 7; trained at ln σ̄ ~ N(−1.2, 1.2²)  (arXiv 2206.00364)
  vp_linear,  // β(t) from 0.1 to 20; trained at uniform t                       (Song et al. 2021, arXiv 2011.13456)
  sub_vp,  // of variance (1 − α²)² beside vp-linear's α (eq. 29 there), seen through the scale that makes it α² + σ² = 1
  vp_cosine,  // α ∝ cos(π/2 (t + s)/(1 + s)), s = 0.008; trained at uniform t   (Nichol & Dhariwal 2021, arXiv 2102.09672)
  ve,  // σ̄ from 0.01 to 50, a geometric series; trained at uniform t               (Song et al. 2021, appendix C)
};

class NoiseSchedule {
 public:
  explicit NoiseSchedule(NoiseScheduleKind kind) : kind_(kind) {}
  NoiseScheduleKind kind() const { return kind_; }
  /// ln(σ/α) at time t, rising from almost clean data at t = 0 to almost pure noise at t = 1. For edm the time of its
  /// sampling grid (its eq. 5).
  double log_ratio(double t) const;
  double cleanest() const { return log_ratio(0); }
  double noisiest() const { return log_ratio(1); }
  /// The ratios that a sampler of so many steps visits, from the noisiest to the cleanest: steps + 1 of them.
  std::vector<double> grid(int64_t steps) const;
  /// ln(σ/α) at the given quantiles, in (0, 1), of its distribution in training.
  Tensor training_log_ratio(const Tensor& quantile) const;
  std::string describe() const;

 private:
  NoiseScheduleKind kind_;
};

}  // namespace pf
