#pragma once
// Mixtures on the line, one for each of many numbers at once: what a coordinate's distribution given the coordinates before
// it is. Normal components (Bishop 1994, mixture density networks) or logistic ones (as in PixelCNN++, Salimans et al.
// 2017, arXiv 1701.05517, section 2.1), whose distribution function is a sigmoid.

#include <limits>

#include "autograd/autograd.h"
#include "tensor/ops/rounding.h"

namespace pf {

/// u with 0 and 1 moved to the nearest numbers between them, whose quantiles are finite.
template <Array A> A inside_unit_interval(const A& u) {
  using Single = std::numeric_limits<float>;
  using Double = std::numeric_limits<double>;
  const bool single = u.dtype() == float32;
  return clamp(u, single ? double(Single::min()) : Double::min(),
               1 - (single ? double(Single::epsilon()) : Double::epsilon()) / 2);
}

enum class Component { normal, logistic };

/// Log-weights up to a constant, means and log-scales: [..., K] each, for numbers x of shape [...].
struct ConditionalMixture {
  Component component = Component::normal;
  Variable log_weights, means, log_scales;

  /// From a network's output [..., 3K]. Log-scales stay between −7 and 2 (of normalised data): no component becomes a
  /// spike on one number, and none explodes far from the data.
  static ConditionalMixture from(const Variable& output, Component component);

  /// log p(x): [...]
  Variable log_density(const Variable& x) const;
  /// F(x), in (0, 1): the ends are rounded inwards, to where the quantile is still finite.
  Variable cdf(const Variable& x) const;
  /// F⁻¹(u), u in (0, 1), which may be far in the tails. Differentiable to any order in u and in the mixture, by the
  /// implicit function theorem: ∂x/∂u = 1/p(x) and ∂x/∂θ = −(∂F/∂θ)/p(x) (Figurnov et al. 2018, arXiv 1805.08498, eq. 5).
  Variable quantile(const Variable& u) const;
};

}  // namespace pf
