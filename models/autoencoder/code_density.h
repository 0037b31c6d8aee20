#pragma once
// Densities of codes that are fitted: a map c = g(z) from a simple base to codes whose log-density is differentiable in the
// code and in the parameters. An autoencoder fits one to the codes of its encoder, a variational one takes it as its prior.
//
//   gaussian   c = m + A⁻¹ z                       full covariance; A is the Cholesky factor of the precision
//   mixture    c = m_k + A_k⁻¹ z, k where u falls  u is one more coordinate of the base: all randomness is in z
//   flow       c = m + A⁻¹ f(z)                    f a stack of spline couplings

#include "models/flow/coupling.h"

namespace pf {

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
  virtual Variable push(const Variable& z) const = 0;
  /// Nats. code: [n, width()] → [n].
  virtual Variable log_density(const Variable& code) const = 0;
  /// A z with push(z) = code; of several, one in the middle of those of the likeliest component.
  virtual Tensor encode(const Tensor& code) const = 0;
};

/// Weighted normal distributions, given by what whitens them: A_k (c − m_k) is standard normal under component k.
struct NormalComponents {
  Variable log_weights;  // [components], normalised
  Variable means;        // [components, width]
  Variable whitening;    // [components, width, width], lower triangular with a positive diagonal

  int64_t count() const { return means.size(0); }
  int64_t width() const { return means.size(1); }
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
  GaussianMixture(int64_t width, int64_t components, Rng& rng);
  std::shared_ptr<const Distribution> base() const override { return base_; }
  int64_t width() const override { return means_.size(1); }
  Variable push(const Variable& z) const override { return components().push(z); }
  Variable log_density(const Variable& code) const override { return components().log_density(code); }
  Tensor encode(const Tensor& code) const override { return components().encode(code); }
  NormalComponents components() const;

  static void fields(auto& self, auto&& visit) {
    visit("means", self.means_);
    visit("log_diagonal", self.log_diagonal_);
    visit("lower", self.lower_);
    visit("logits", self.logits_);
  }

 private:
  std::shared_ptr<const Distribution> base_;
  Variable means_;         // [components, width]
  Variable log_diagonal_;  // [components, width], of the whitening matrices
  Variable lower_;         // [components, width, width]; what is below the diagonal counts; none for one coordinate
  Variable logits_;        // [components], none for one component
};

/// A coupling flow behind a normal distribution's map, which takes up the place and scale of the codes.
class FlowDensity final : public Implements<FlowDensity, CodeDensity> {
 public:
  FlowDensity(int64_t width, const CouplingSettings& settings, Rng& rng);
  std::shared_ptr<const Distribution> base() const override { return placing_.base(); }
  int64_t width() const override { return placing_.width(); }
  Variable push(const Variable& z) const override { return placing_.push(flow_.push(z)); }
  Variable log_density(const Variable& code) const override;
  Tensor encode(const Tensor& code) const override;

  static void fields(auto& self, auto&& visit) {
    visit("flow", self.flow_);
    visit("placing", self.placing_);
  }

 private:
  CouplingFlow flow_;
  GaussianMixture placing_;
};

}  // namespace pf
