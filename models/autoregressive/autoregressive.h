#pragma once
// Autoregressive models: p(x) = Π p(xᵢ | x₁ … xᵢ₋₁), all conditionals from one network with masked weights (MADE). As a
// map it takes one uniform number a coordinate and inverts the conditional distribution functions in order, the
// Knothe–Rosenblatt rearrangement (Rosenblatt 1952):
//
//   mixtures    xᵢ = F⁻¹(uᵢ | x₁ … xᵢ₋₁)          triangular Jacobian, log|det ∂u/∂x| = log p(x)
//   Bernoulli   xᵢ = 1 where uᵢ < π(x₁ … xᵢ₋₁)    a step function; p(x) is the volume of the box of all u that give x
//
// From data to noise it is one pass of the network. Sampling goes coordinate by coordinate.

#include "models/autoregressive/conditional_mixture.h"
#include "models/autoregressive/made.h"
#include "models/objective.h"

namespace pf {

enum class Conditional { normal_mixture, logistic_mixture, bernoulli };
enum class Ordering { natural, reversed, random };
/// How samples are computed: coordinate by coordinate, or all at once from a first guess, again and again until nothing
/// changes (Song et al. 2021, arXiv 2002.03629, algorithm 1: Jacobi iteration), which takes at most a pass a coordinate.
enum class SamplingSchedule { sequential, jacobi };

struct AutoregressiveSettings {
  Conditional conditional = Conditional::normal_mixture;
  int64_t components = 24;  // of a mixture
  int64_t hidden = 64, depth = 2;
  Ordering ordering = Ordering::natural;
  SamplingSchedule schedule = SamplingSchedule::sequential;
};

/// Base: U(0, 1)^width, coordinate i of the noise for coordinate i of the data, whatever the order.
class Autoregressive final : public Implements<Autoregressive, Transform> {
 public:
  Autoregressive(int64_t width, const AutoregressiveSettings& settings, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override;
  /// 0 and 1 count as the nearest numbers between them. With derivatives asked for, sampling is always sequential.
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  Variable pull(const Variable& x, const Tensor& context = {}) const override;
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  /// From the noise to standard normal numbers, then one coordinate after the other to its place; at most 64 steps.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  /// The inverse; for Bernoulli conditionals the middle of the box that leads to x.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;

  /// log p(x) for each row, [n]; for Bernoulli conditionals log P(x), x of zeros and ones.
  Variable log_likelihood(const Variable& x) const;
  /// Sweeps of the network that Jacobi iteration takes for these rows, the last of which changes nothing.
  int64_t jacobi_sweeps(const Tensor& z) const;

  static void fields(auto& self, auto&& visit) {
    visit("made", self.made_);
    visit("order", self.order_);
  }

 private:
  const char* family() const override { return "autoregressive"; }
  bool discrete() const { return settings_.conditional == Conditional::bernoulli; }
  Component component() const;
  /// Columns in the order in which they are modelled, and back.
  Variable ordered(const Variable& x) const;
  Variable as_given(const Variable& x) const;
  /// Outputs [n, m, …] and numbers u [n, m] to coordinates [n, m].
  Variable draw(const Variable& output, const Variable& u) const;
  // In the order of modelling.
  Variable sequential(const Variable& u) const;
  Tensor jacobi(const Tensor& u, int64_t* sweeps = nullptr) const;

  AutoregressiveSettings settings_;
  Uniform base_;
  Made made_;
  Tensor order_;  // int64 [width]: which column is modelled first, second, …
};

/// Mean of −log p(x), exactly, without the map itself; works for discrete conditionals as well.
class ConditionalLikelihood final : public Objective {
 public:
  explicit ConditionalLikelihood(const Autoregressive& model) : model_(model) {}
  std::string name() const override { return "negative log-likelihood (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Autoregressive& model_;
};

}  // namespace pf
