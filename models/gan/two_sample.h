#pragma once
// Generators without a critic: the loss is a distance between a batch of data and a batch of samples.
//
//   mmd      E k(x, x′) − 2 E k(x, y) + E k(y, y′), the mean of five Gaussian kernels   Li et al. 2015, arXiv 1502.02761
//   energy   2 E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖                                          Székely & Rizzo 2013
//   sliced   mean over random directions of the squared W₂ along them                   Deshpande et al. 2018, arXiv 1803.11188
//   sinkhorn OT(x, y) − ½ OT(x, x) − ½ OT(y, y), transport with entropy of weight ε      Genevay et al. 2018, arXiv 1706.00292
//
// With a condition the points compared are (x, scale · context): the loss vanishes where the laws agree for every context, and
// points whose contexts are further apart than about 1 / scale hardly know of each other. So classes are compared each for
// itself, and for a vector neighbouring values speak for each other, as no two rows have the same one. Samples are made for
// the contexts of the batch; mmd and energy therefore leave out the pairs that have one context by construction.

#include "models/entropic_pairing.h"
#include "models/objective.h"

namespace pf {

enum class TwoSample { mmd, energy, sliced, sinkhorn };

struct TwoSampleOptions {
  int64_t directions = 64;   // of the sliced distance, drawn anew for each batch
  double epsilon = 0.2;      // of sinkhorn, in units of squared distance
  double context_scale = 2;  // of the condition beside normalised data
};

/// ‖scale · (cᵢ − cⱼ)‖² for the contexts of n rows; undefined where there is no condition, or one for all.
Tensor context_distances(const Tensor& context, int64_t n, double scale, DType dtype);

class TwoSampleLoss final : public Objective {
 public:
  TwoSampleLoss(const Transform& generator, TwoSample distance, TwoSampleOptions options = {})
      : generator_(generator), distance_(distance), options_(options) {}
  std::string name() const override;
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  /// Of sinkhorn: how good its transport plans are.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Transform& generator_;
  TwoSample distance_;
  TwoSampleOptions options_;
};

/// The plans that a Sinkhorn divergence is made of.
struct SinkhornPlans {
  EntropicPlan between, of_x, of_y;
  const EntropicPlan& worst() const;
};
SinkhornPlans sinkhorn_plans(const Tensor& x, const Tensor& y, double epsilon);

/// The Sinkhorn divergence between two samples of one size, differentiable in x with the transport plans held still, which is
/// its derivative because they are optimal. Without plans given it finds them, and throws where they do not converge.
Variable sinkhorn_divergence(const Variable& x, const Tensor& y, const SinkhornPlans& plans);
Variable sinkhorn_divergence(const Variable& x, const Tensor& y, double epsilon);

}  // namespace pf
