#pragma once
// Densities of codes that are fitted: a map c = g(z) from a simple base to codes whose log-density is differentiable in the
// code and in the parameters. An autoencoder fits one to the codes of its encoder, a variational one takes it as its prior.
//
//   gaussian   c = m + A⁻¹ z                       full covariance; A is the Cholesky factor of the precision
//   mixture    c = m_k + A_k⁻¹ z, k where u falls  u is one more coordinate of the base: all randomness is in z
//   flow       c = m + A⁻¹ f(z)                    f a stack of spline couplings
//   a family   c = m + A⁻¹ T(z)                    T the map of any family (family_density.h), which may have no density
//
// With a condition y, m, the scale of what A whitens and the weights are linear in y, the axes of A stay, and f sees y as well.

#include <optional>

#include "models/flow/coupling.h"

namespace pf {

class Objective;

class CodeDensity {
 public:
  virtual ~CodeDensity() = default;
  /// What is mapped to codes; may be wider than a code.
  virtual std::shared_ptr<const Distribution> base() const = 0;
  /// Coordinates of a code.
  virtual int64_t width() const = 0;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;

  /// z: [n, base()->width()] → codes [n, width()].
  virtual Variable push(const Variable& z, const Tensor& context = {}) const = 0;
  /// Nats. code: [n, width()] → [n].
  virtual Variable log_density(const Variable& code, const Tensor& context = {}) const = 0;
  /// A z with push(z) = code; of several, one in the middle of those of the likeliest component.
  virtual Tensor encode(const Tensor& code, const Tensor& context = {}) const = 0;
  /// What fits it to a batch of codes: the mean of −log p, unless it has an objective of its own.
  virtual Variable loss(const Tensor& code, Rng& rng, const Tensor& context = {}) const;
  /// Whether log_density answers, and by the cheap formula of an exact density, whose derivatives cost no more than a push.
  virtual bool has_density() const { return true; }
  virtual bool has_exact_density() const { return true; }
  /// What else its training needs to be told of (CodeTraining in family_density.h), and codes as that sees them; none where loss
  /// is all.
  virtual Objective* objective() const { return nullptr; }
  virtual Tensor prepared(const Tensor& code, const Tensor& /*context*/) const { return code; }
};

/// Weighted normal distributions, given by what whitens them: exp(log_scale_k) A_k (c − m_k) is standard normal under
/// component k. With a condition they are others for each row.
struct NormalComponents {
  Variable log_weights;  // [components] or [components, n], normalised
  Variable means;        // [components, width] or [components, n, width]
  Variable whitening;    // A [components, width, width], lower triangular with a positive diagonal
  Variable log_scale;    // [components, n, width]; none without a condition

  int64_t count() const { return whitening.size(0); }
  int64_t width() const { return whitening.size(1); }
  bool conditional() const { return log_scale.defined(); }
  struct Whitened {
    Variable value;    // [components, n, width]
    Variable log_det;  // [components] or [components, n]
  };
  Whitened whiten(const Variable& code) const;
  /// log weight + log density of every component at every code: [n, width] → [components, n].
  Variable joint_log_density(const Variable& code) const;
  Variable log_density(const Variable& code) const;
  /// z: [n, width + 1] with the uniform number that picks the component last; [n, width] if there is one component.
  Variable push(const Variable& z) const;
  Tensor encode(const Tensor& code) const;
  /// N(0, I), with U(0, 1) behind it if there are several components.
  static std::shared_ptr<const Distribution> base(int64_t components, int64_t width);
};

/// One or several normal distributions with free means, full covariances and weights.
class GaussianMixture final : public Implements<GaussianMixture, CodeDensity> {
 public:
  /// context: numbers of the condition; 0: none.
  GaussianMixture(int64_t width, int64_t components, Rng& rng, int64_t context = 0);
  std::shared_ptr<const Distribution> base() const override { return base_; }
  int64_t width() const override { return means_.size(1); }
  Variable push(const Variable& z, const Tensor& context = {}) const override {
    return components(z.size(0), context).push(z);
  }
  Variable log_density(const Variable& code, const Tensor& context = {}) const override {
    return components(code.size(0), context).log_density(code);
  }
  Tensor encode(const Tensor& code, const Tensor& context = {}) const override {
    return components(code.size(0), context).encode(code);
  }
  /// For n rows.
  NormalComponents components(int64_t n = 1, const Tensor& context = {}) const;

  static void fields(auto& self, auto&& visit) {
    visit("means", self.means_);
    visit("log_diagonal", self.log_diagonal_);
    visit("lower", self.lower_);
    visit("logits", self.logits_);
    visit("given", self.given_);
  }

 private:
  std::shared_ptr<const Distribution> base_;
  Variable means_;         // [components, width]
  Variable log_diagonal_;  // [components, width], of the whitening matrices
  Variable lower_;         // [components, width, width]; what is below the diagonal counts; none for one coordinate
  Variable logits_;        // [components], none for one component
  /// What a condition adds to means, log-scales and logits of the components.
  std::optional<Linear> given_;
};

/// A coupling flow behind a normal distribution's map, which takes up the place and scale of the codes.
class FlowDensity final : public Implements<FlowDensity, CodeDensity> {
 public:
  FlowDensity(int64_t width, const CouplingSettings& settings, Rng& rng, int64_t context = 0);
  std::shared_ptr<const Distribution> base() const override { return placing_.base(); }
  int64_t width() const override { return placing_.width(); }
  Variable push(const Variable& z, const Tensor& context = {}) const override {
    return placing_.push(flow_.push(z, context), context);
  }
  Variable log_density(const Variable& code, const Tensor& context = {}) const override;
  Tensor encode(const Tensor& code, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) {
    visit("flow", self.flow_);
    visit("placing", self.placing_);
  }

 private:
  CouplingFlow flow_;
  GaussianMixture placing_;
};

}  // namespace pf
