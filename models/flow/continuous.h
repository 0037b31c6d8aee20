#pragma once
// Continuous normalizing flow: x is where the field of a network carries z between t = 0 (noise) and t = 1 (data), trained
// by maximum likelihood through the solution of the ODE (FFJORD, Grathwohl et al. 2018, arXiv 1810.01367, eq. 2–4;
// Chen et al. 2018, arXiv 1806.07366).
//
//   log p(x) = log p₀(z) − ∫₀¹ tr(∂v/∂x) dt
//
// The trace rides along as tangents: the network carries x and directions ε through its layers together, which costs one
// forward pass more for each direction, and the derivative of the whole is an ordinary reverse walk.

#include "models/objective.h"
#include "models/ode.h"
#include "nn/linear.h"

namespace pf {

/// v(x, t): a multilayer perceptron whose tangents are computed beside it. Each layer is (W x + b + t c) with tanh between:
/// time enters everywhere, as in FFJORD's "concat" layers. Beside x the first layer sees sines and cosines of its
/// coordinates, of periods 8, 4, 2 …, which let a small network turn within a short distance (Tancik et al. 2020,
/// arXiv 2006.10739). A context is further inputs, which have no tangents.
class TangentField {
 public:
  /// waves: periods of the sines and cosines; context: numbers of the condition; 0: none.
  TangentField(int64_t width, int64_t hidden, int64_t depth, int64_t waves, Rng& rng, int64_t context = 0);
  Variable operator()(const Variable& x, double time, const Tensor& context = {}) const;
  struct WithTangents {
    Variable value;     // [n, width]
    Variable tangents;  // [k · n, width]
  };
  /// v(x, t), and ∂v/∂x times each of k blocks of n tangents.
  WithTangents with_tangents(const Variable& x, double time, const Variable& tangents,
                             const Tensor& context = {}) const;

  static void fields(auto& self, auto&& visit) {
    visit("layers", self.layers_);
    visit("times", self.times_);
  }

 private:
  /// Coordinates and their waves; with tangents (blocks of them), theirs as well.
  WithTangents features(const Variable& x, const Variable* tangents) const;

  int64_t width_, waves_, context_;
  std::vector<Linear> layers_;
  std::vector<Variable> times_;  // [out] of each layer: what the bias gains until t = 1
};

struct ContinuousSettings {
  int64_t hidden = 64, depth = 3, waves = 0;
  OdeOptions training{.method = OdeMethod::rk4, .steps = 4};
  OdeOptions solver{.method = OdeMethod::dopri5, .tolerance = 1e-5};  // of samples and densities
  double energy = 0.01;                                               // weight of the path energy in the loss
  bool checkpointed = false;  // training keeps one state a step and computes the others again
  int64_t exact_up_to =
      16;  // columns; 0: never exact; beyond them the trace is estimated from one Rademacher direction for each solve
  int64_t context = 0;  // numbers of the condition; 0: none
};

class ContinuousFlow final : public Implements<ContinuousFlow, Transform> {
 public:
  ContinuousFlow(int64_t width, const ContinuousSettings& settings, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override { return carry(z, 0, 1, context); }
  Variable pull(const Variable& x, const Tensor& context = {}) const override { return carry(x, 1, 0, context); }
  /// By the exact trace, however many columns.
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;

  /// With the solver of training: log p(x) of each row, and the energy ∫ ‖v‖² dt of its path.
  ///
  /// Where the trace is exact, so is the density of the map that the few steps make: the tangents take the same steps, and
  /// the determinant is that of their result. The integral of the trace by the same few steps is not the logarithm of any
  /// map's determinant, and training would find fields that profit from the difference.
  struct Trained {
    Variable log_density, energy;  // [n]
  };
  Trained train(const Tensor& x, Rng& rng, const Tensor& context = {}) const;
  const ContinuousSettings& settings() const { return settings_; }

  static void fields(auto& self, auto&& visit) { visit("field", self.field_); }

 private:
  const char* family() const override { return "flow"; }
  Variable carry(const Variable& start, double from, double to, const Tensor& context) const;
  /// Position and ∫ Σₖ εₖᵀ (∂v/∂x) εₖ dt over blocks of directions [k · n, width]: for the unit vectors the trace, for one
  /// random direction with E[εεᵀ] = 1 an unbiased estimate of it.
  Mapped carry_with_trace(const Variable& start, double from, double to, const Tensor& directions,
                          const Tensor& context) const;
  /// The context as rows for these points, checked once and not in every evaluation of the field.
  Tensor rows_for(const Variable& x, const Tensor& context) const;
  /// Unit vectors, one block of rows for each: [width · n, width].
  Tensor units(const Tensor& like) const;
  bool exact() const { return width() <= settings_.exact_up_to; }

  ContinuousSettings settings_;
  Normal base_;
  TangentField field_;
};

/// Mean of −log p(x) + energy ∫ ‖v‖² dt, by the solver of training. The energy keeps paths straight and the field easy to
/// integrate in few steps (Finlay et al. 2020, arXiv 2002.02798, eq. 7).
class ContinuousLikelihood final : public Objective {
 public:
  explicit ContinuousLikelihood(const ContinuousFlow& flow) : flow_(flow) {}
  std::string name() const override { return "negative log-likelihood (nats) and path energy"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const ContinuousFlow& flow_;
};

}  // namespace pf
