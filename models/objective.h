#pragma once
// Objectives: what moves T#base to the data. A map and its objective are separate things; some objectives work for every
// map with a density (maximum likelihood), others belong to one family.

#include "models/transform.h"
#include "nn/optim/adam.h"

namespace pf {

/// A network that is trained against the model: the critic of an adversarial objective. Only training needs it; it is
/// saved with the snapshot.
class Opponent {
 public:
  virtual ~Opponent() = default;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;
  /// What it minimises, with the model held still.
  virtual Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const = 0;
  /// Its own steps before each step of the model.
  virtual int64_t steps() const { return 1; }
};

/// Something about a training that its loss does not show. A warning is a verdict in a few words: "collapsed: 3 of 8 modes".
struct VitalSign {
  std::string name;
  double value = 0;
  std::string warning;
};

class Objective {
 public:
  virtual ~Objective() = default;
  /// "negative log-likelihood (nats)"
  virtual std::string name() const = 0;
  /// The loss of one batch [n, width] (and its context [n, k], if any), a number; randomness only from `rng`.
  virtual Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const = 0;
  /// Whom the model plays against, if anybody.
  virtual Opponent* opponent() { return nullptr; }
  /// A training may have stages of equal length. Each after the first begins with the averaged parameters in the model.
  virtual int64_t stages() const { return 1; }
  virtual void begin_stage(int64_t /*stage*/) {}
  /// Told before each step which part of the training is done, 0 ≤ part < 1, for weights that change on the way.
  virtual void set_progress(double /*part*/) {}
  /// Numbers that set_progress changes and losses read: tensors that keep their memory (`overwrite` in tensor/capture.h), so
  /// that a recorded step sees the change.
  virtual std::vector<Tensor> changing_numbers() const { return {}; }
  /// Told after each step, with its batch: what moves without a gradient moves here. The model's buffers are its only memory.
  virtual void after_step(const Tensor& /*batch*/, Rng& /*rng*/, const Tensor& /*context*/ = {}) {}
  /// Looked at now and then in training, with a batch of it, and at its end.
  virtual std::vector<VitalSign> vital_signs(const Tensor& /*batch*/, Rng& /*rng*/,
                                             const Tensor& /*context*/ = {}) const {
    return {};
  }
  /// Of the optimiser, for the model and its opponent.
  virtual AdamOptions optimizer() const { return {}; }
};

/// Mean of −log p(x) by change of variables, for any transform with pull_with_log_det.
class MaximumLikelihood final : public Objective {
 public:
  explicit MaximumLikelihood(const Transform& transform) : transform_(transform) {}
  std::string name() const override { return "negative log-likelihood (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Transform& transform_;
};

}  // namespace pf
