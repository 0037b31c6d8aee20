#pragma once
// Objectives: what moves T#base to the data. A map and its objective are separate things; some objectives work for every
// map with a density (maximum likelihood), others belong to one family.

#include "models/transform.h"

namespace pf {

class Objective {
 public:
  virtual ~Objective() = default;
  /// "negative log-likelihood (nats)"
  virtual std::string name() const = 0;
  /// The loss of one batch [n, width], a number; randomness only from `rng`.
  virtual Variable loss(const Tensor& batch, Rng& rng) const = 0;
};

/// Mean of −log p(x) by change of variables, for any transform with pull_with_log_det.
class MaximumLikelihood final : public Objective {
 public:
  explicit MaximumLikelihood(const Transform& transform) : transform_(transform) {}
  std::string name() const override { return "negative log-likelihood (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng) const override;

 private:
  const Transform& transform_;
};

}  // namespace pf
