#pragma once
// MeanFlow (Geng et al. 2025, arXiv 2505.13447): a network of the average velocity u between two times, so that one evaluation
// goes all the way. With noise at time 0 and data at time 1,
//
//   x_e = x_s + (e − s) u(x_s, s, e),     x = z + u(z, 0, 1)
//
// Differentiating along the flow gives what u has to satisfy, with the instantaneous velocity v (their eq. 6, whose time runs
// the other way):
//
//   u = v + (e − s) du/ds,   du/ds = ∂u/∂x · v + ∂u/∂s
//
// The total derivative is one forward-mode product; the right side is held still and regressed on, with v = x₁ − x₀ of
// pairs that are by optimal transport within the batch unless chosen otherwise. Guidance is learned: the velocity that the averages are of is the guided
// one, with u(x, s, s) without the condition in it (their eq. 19).

#include "models/flow_matching/pairing.h"
#include "models/guidance.h"
#include "models/objective.h"
#include "nn/mlp.h"

namespace pf {

class MeanFlow final : public Implements<MeanFlow, Transform> {
 public:
  /// A multilayer perceptron of (x, s, e − s) on R^width with `depth` hidden layers; `jumps` of equal length make a sample.
  MeanFlow(int64_t width, int64_t hidden, int64_t depth, Rng& rng, const Guidance& guidance = {}, int64_t jumps = 1);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override { return {.same_width = true, .reconstructs = false, .steps = jumps_}; }
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  /// By optimisation: a base point whose image is near x.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;
  /// Where the average velocities from 0 to t lead; after each jump, where there are several.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  /// u of rows (x, s, e − s, given), as of Guidance::rows: [n, width + 2 + given] → [n, width].
  Variable velocity(const Variable& rows) const { return net_(rows); }
  /// The same of columns: positions, and [n, 1] each of times and spans.
  Variable velocity(const Variable& x, const Tensor& time, const Tensor& span, const Tensor& given) const;
  const Guidance& guidance() const { return guidance_; }

  static void fields(auto& self, auto&& visit) { visit("net", self.net_); }

 private:
  const char* family() const override { return "flow-matching"; }
  Variable jump(const Variable& x, double from, double until, const Tensor& given) const;
  Guidance guidance_;
  int64_t jumps_;
  Normal base_;
  Mlp net_;
};

class MeanVelocityMatching final : public Objective {
 public:
  /// different: the part of rows whose two times differ (the others learn v itself). power: rows are weighed by
  /// 1 / (error² + 10⁻³)^power, which keeps single rows from ruling (their section 4.3). Optimal pairs make straighter ways,
  /// and less that an average has to hide.
  explicit MeanVelocityMatching(const MeanFlow& model, Pairing pairing = Pairing::optimal, double different = 0.5,
                                double power = 0.5)
      : model_(model), pairing_(pairing), different_(different), power_(power) {}
  std::string name() const override { return "mean velocity matching (weighted square)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const MeanFlow& model_;
  Pairing pairing_;
  double different_, power_;
};

/// Of a map of average velocities: how well u(x, s, s) knows the velocity at each quarter of the times, on paths between the rows
/// and noise. What it says of longer spans has no target of its own.
std::vector<VitalSign> mean_velocity_signs(const MeanFlow& model, Pairing pairing, const Tensor& batch, Rng& rng,
                                           const Tensor& context);

}  // namespace pf
