#pragma once
// Heads: the distribution of one coordinate given those before it, as the outputs of a network parametrise it. A head can
// do what the Knothe–Rosenblatt map asks of it: log-probabilities, the distribution function, and its inverse.
//
// Real numbers have densities, and u = F(x). Whole numbers have probabilities, x is a step function of u, and all u of an
// interval [F(x − 1), F(x)) of length P(x) lead to one x.

#include <memory>

#include "autograd/variable.h"

namespace pf {

enum class Conditional {
  normal_mixture,
  logistic_mixture,
  bernoulli,
  categorical,           // any probabilities for 0 … levels − 1
  discretised_logistic,  // the mass that a mixture of logistics has between the halves around 0 … levels − 1
};

/// The numbers that lead to a whole number: low ≤ u < high, in float64.
struct NoiseInterval {
  Tensor low, high;
  /// The point `at` of the way from low to high, of another element type, rounded so that it stays in the interval; where no
  /// number of that type lies in it (it is shorter than their distance), a number beside it.
  Tensor point(const Tensor& at, DType dtype) const;
};

/// Σ_k k share_k: [..., levels] → [...].
Variable mean_level(const Variable& shares);

/// output: [..., outputs()]; x and u: [...], any number of coordinates at once.
class ConditionalHead {
 public:
  virtual ~ConditionalHead() = default;
  /// Numbers of a network for one coordinate.
  virtual int64_t outputs() const = 0;
  /// What these are near at first, [outputs()]; undefined: zero.
  virtual Tensor start() const { return {}; }
  /// Of whole numbers 0 … levels() − 1; 0: real numbers.
  virtual int64_t levels() const { return 0; }
  bool discrete() const { return levels() > 0; }

  /// log p(x), or log P(x) of whole numbers.
  virtual Variable log_density(const Variable& output, const Variable& x) const = 0;
  /// The x of u. Differentiable in both for real numbers; a constant for whole ones.
  virtual Variable quantile(const Variable& output, const Variable& u) const = 0;
  /// Of whole numbers, with the steps of u ↦ x smoothed: the share that each level has of x, [..., levels()], which add up to 1.
  /// Level k lies between two steps, at F(k − 1) and at F(k), and at temperature τ the part of x that is past a step at F is
  ///
  ///   σ((logit u − logit F) / τ)
  ///
  /// which is 0 or 1 as τ → 0. Of two levels that is the binary Concrete distribution (Maddison et al. 2017, arXiv
  /// 1611.00712, appendix B), of which there is one a step. Differentiable in both.
  virtual Variable shares(const Variable& output, const Variable& u, double temperature) const;
  /// Σ_k k share_k: between the least and the greatest level.
  Variable relaxed_quantile(const Variable& output, const Variable& u, double temperature) const {
    return mean_level(shares(output, u, temperature));
  }
  /// Of real numbers: F(x), in (0, 1).
  virtual Variable cdf(const Variable& output, const Variable& x) const;
  /// Of whole numbers: where u leads to x.
  virtual NoiseInterval interval(const Tensor& output, const Tensor& x) const;
};

/// components: of mixtures; levels: of categories and of discretised logistics.
std::unique_ptr<const ConditionalHead> make_head(Conditional conditional, int64_t components, int64_t levels);

}  // namespace pf
