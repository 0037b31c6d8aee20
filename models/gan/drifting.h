#pragma once
// Drifting (Deng et al. 2026, arXiv 2602.04770): samples are told where to go, and the generator f follows,
//
//   loss = E‖f(ε) − sg(f(ε) + V(f(ε)))‖²
//
// where sg holds still, p is the law of the data, q that of the samples, and V, which vanishes where p = q, leads from samples to
// data by mean shifts (their eq. 8 and 11) under a kernel k of bandwidth h:
//
//   V = V_p − V_q,   V_p(x) = E_p[k(x, y)(y − x)] / E_p[k(x, y)]          plain
//   V(x) = Σᵢⱼ A(x, yᵢ) A(x, xⱼ) (yᵢ − xⱼ)                                balanced: Algorithm 2
//
// A = k / √(row sum · column sum) over data yᵢ and samples xⱼ together, without a sample's own place. k = exp(−‖x − y‖ / h), or
// exp(−‖x − y‖² / 2h²): then the plain V is h² times the difference of the scores of p and q, both smoothed by the kernel.
// Drifts of several bandwidths are added.
//
// With a condition, distances are those of (x, scale · context), and a data point is no goal for the sample of its own context:
// as the two contexts come in one pair, they would always seem near.

#include "models/objective.h"

namespace pf {

enum class DriftKernel { laplace, gaussian };

struct DriftSettings {
  DriftKernel kernel = DriftKernel::laplace;
  std::vector<double> bandwidths{0.4, 0.1, 0.04};
  bool balanced = true;
  double context_scale = 2;
};

/// V_p at each row of x, for the rows of y as samples of p. x: [n, d], y: [m, d] → [n, d]. `apart` [n, m] is added to squared
/// distances.
Tensor mean_shift(const Tensor& x, const Tensor& y, DriftKernel kernel, double bandwidth, const Tensor& apart = {});

/// V of Algorithm 2 at each row of x, with data and samples as its neighbours.
Tensor balanced_drift(const Tensor& x, const Tensor& data, const Tensor& samples, DriftKernel kernel, double bandwidth,
                      const Tensor& data_apart = {}, const Tensor& samples_apart = {});

class DriftingLoss final : public Objective {
 public:
  explicit DriftingLoss(const Transform& generator, DriftSettings settings = {})
      : generator_(generator), settings_(std::move(settings)) {}
  std::string name() const override { return "squared drift of samples"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Transform& generator_;
  DriftSettings settings_;
};

}  // namespace pf
