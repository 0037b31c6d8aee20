#pragma once
// Flow matching: x is where the flow of a learned velocity field carries z between t = 0 (noise) and t = 1 (data). The
// field is learned by regression on straight paths between paired noise and data, without solving anything in training
// (Lipman et al. 2022, arXiv 2210.02747; Tong et al. 2023, arXiv 2302.00482).
//
//   loss      E ‖v(x_t, t) − (x₁ − x₀)‖²  with  x_t = (1 − t) x₀ + t x₁ + σ ξ       (Tong et al., eq. 14–15)
//   pairing   independent (I-CFM), the optimal assignment within the batch (OT-CFM, their section 3.2.2), or the entropic
//             plan, with Brownian bridges between the pairs: a Schrödinger bridge (SB-CFM, their section 3.2.3)
//   path      straight, or trigonometric: cos(πt/2) x₀ + sin(πt/2) x₁ (Albergo & Vanden-Eijnden 2023, arXiv 2209.15571)
//   density   log p(x) = log p₀(z) − ∫ div v dt along the path                      (Chen et al. 2018, arXiv 1806.07366)

#include "models/flow_matching/pairing.h"
#include "models/guidance.h"
#include "models/objective.h"
#include "models/ode_flow.h"
#include "nn/mlp.h"

namespace pf {

/// What the network of a field says: the velocity, or the data that a straight path leads to. Data often lie on few
/// dimensions, which a network can say where it cannot pass on the noise of all: v = (said − x) / (1 − t), the divisor at least
/// 0.05 (Li and He 2025, arXiv 2511.13720).
enum class FieldPrediction { velocity, data };

/// A network v(x, t, c): [n, width], one time for all rows or one each ([n, 1]), and `given` further inputs, if any: [n, given]
/// → [n, width]. Time enters as t and as sin 2πkt, cos 2πkt for k = 1 … frequencies; x with its waves (waves.h).
class VelocityField {
 public:
  VelocityField(int64_t width, int64_t hidden, int64_t depth, int64_t frequencies, Rng& rng, int64_t given = 0,
                Activation activation = Activation::silu, int64_t waves = 0,
                FieldPrediction prediction = FieldPrediction::velocity);
  Variable operator()(const Variable& x, const Tensor& time, const Tensor& given = {}) const;
  Variable operator()(const Variable& x, double time, const Tensor& given = {}) const;
  static void fields(auto& self, auto&& visit) { visit("net", self.net_); }

 private:
  int64_t frequencies_, waves_;
  FieldPrediction prediction_;
  Mlp net_;
};

/// How the divergence of the field is taken: d derivatives, or one random probe (Hutchinson; Grathwohl et al. 2018,
/// arXiv 1810.01367), fixed during a solve.
enum class DivergenceKind { exact, hutchinson };

struct FlowMatchingSettings {
  int64_t hidden = 128, depth = 3, frequencies = 0, waves = 0;
  Activation activation = Activation::silu;
  FieldPrediction prediction = FieldPrediction::velocity;
  OdeOptions sampling{.method = OdeMethod::dopri5, .tolerance = 1e-5};
  OdeOptions likelihood{.method = OdeMethod::dopri5, .tolerance = 1e-5};
  DivergenceKind divergence = DivergenceKind::exact;
  Guidance guidance;
  bool keeps_teacher = false;  // of rectified flow: the field of the stage before, saved with the model
};

class FlowMatching final : public Implements<FlowMatching, Transform> {
 public:
  FlowMatching(int64_t width, const FlowMatchingSettings& settings, Rng& rng);
  /// From any base of the data's width, other data among them.
  FlowMatching(std::shared_ptr<const Distribution> base, const FlowMatchingSettings& settings, Rng& rng);

  const Distribution& base() const override { return *base_; }
  int64_t width() const override { return base_->width(); }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  Variable pull(const Variable& x, const Tensor& context = {}) const override;
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  const VelocityField& velocity() const { return velocity_; }
  const FlowMatchingSettings& settings() const { return settings_; }

  /// Makes the present field the teacher of this stage, from 1.
  void teach(int64_t stage);
  /// The last stage that began; 0 without a teacher. The tensor is replaced when it changes (teach, loading), so it is read
  /// once, and steps that ask again wait for no GPU and can be replayed.
  int64_t stage() const;
  VelocityField teacher() const;

  static void fields(auto& self, auto&& visit) {
    visit("velocity", self.velocity_);
    visit("teacher", self.teacher_);
    visit("stage", self.stage_);
  }

 private:
  const char* family() const override { return "flow-matching"; }
  /// dx/dt, guided; `given` as of Guidance::rows.
  Variable velocity_at(const Variable& x, double t, const Tensor& given) const;
  /// The same for the points of a push or pull and their context.
  VelocityAt field(const char* who, const Variable& start, const Tensor& context) const;
  Mapped with_divergence(const Variable& start, double from, double to, const Tensor& probe,
                         const Tensor& context) const;

  FlowMatchingSettings settings_;
  std::shared_ptr<const Distribution> base_;
  VelocityField velocity_;
  std::vector<Tensor> teacher_;  // its parameters, which are not trained
  Tensor stage_;
  struct KnownStage {
    Tensor in;  // held, so that no other tensor gets its address
    int64_t number = 0;
  };
  mutable KnownStage known_stage_;
};

enum class Interpolant { straight, trigonometric };

struct MatchingSettings {
  Pairing pairing = Pairing::independent;
  Interpolant interpolant = Interpolant::straight;
  double sigma = 0;  // of the noise around the paths; with the entropic plan that of the bridges, above 0
};

/// Points on paths from noise to data, and what a field is to say there.
struct PathPoints {
  Tensor t, x, velocity, given;  // given: further inputs, as of Guidance::rows
};
/// ‖v(x, t) − velocity‖², summed over coordinates, averaged over points.
Variable velocity_loss(const VelocityField& field, const PathPoints& at);
/// Its error by time.
std::vector<VitalSign> velocity_signs(const VelocityField& field, const PathPoints& at);

class VelocityMatching final : public Objective {
 public:
  VelocityMatching(const FlowMatching& model, const MatchingSettings& settings);
  VelocityMatching(const FlowMatching& model, Pairing pairing, double sigma = 0)
      : VelocityMatching(model, MatchingSettings{.pairing = pairing, .sigma = sigma}) {}
  std::string name() const override { return "velocity matching (mean square)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  PathPoints points(const Tensor& batch, Rng& rng, const Tensor& context) const;

  const FlowMatching& model_;
  MatchingSettings settings_;
};

}  // namespace pf
