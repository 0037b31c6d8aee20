#pragma once
// Autoregressive models: p(x) = Π p(xᵢ | x₁ … xᵢ₋₁), all conditionals from one network. As a map it takes one uniform number a
// coordinate and inverts the conditional distribution functions in order, the Knothe–Rosenblatt rearrangement (Rosenblatt
// 1952):
//
//   real numbers     xᵢ = F⁻¹(uᵢ | x₁ … xᵢ₋₁)              triangular Jacobian, log|det ∂u/∂x| = log p(x)
//   whole numbers    xᵢ = min{k : F(k | x₁ … xᵢ₋₁) > uᵢ}   a step function; P(x) is the volume of the box of all u that give x
//
// From data to noise it is one pass of the network. Sampling goes coordinate by coordinate.

#include "models/autoregressive/conditional_network.h"
#include "models/autoregressive/head.h"
#include "models/objective.h"

namespace pf {

enum class Ordering { natural, reversed, random };
/// How samples are computed: coordinate by coordinate, or all at once from a first guess, again and again until nothing
/// changes (Song et al. 2021, arXiv 2002.03629, algorithm 1: Jacobi iteration), which takes at most a pass a coordinate.
enum class SamplingSchedule { sequential, jacobi };

enum class NetworkKind { made, transformer };

struct AutoregressiveSettings {
  Conditional conditional = Conditional::normal_mixture;
  int64_t components = 24;  // of a mixture
  int64_t levels = 0;       // of categories and of discretised logistics
  int64_t context = 0;      // numbers of the condition
  NetworkKind network = NetworkKind::made;
  int64_t hidden = 64, depth = 2;  // of hidden layers; of a transformer the width and the blocks
  int64_t heads = 4;               // of a transformer
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
  /// Of whole numbers Σ_k k share_k, the shares as below.
  Variable push_relaxed(const Variable& z, double temperature, const Tensor& context = {}) const override;
  /// Of whole numbers, with smoothed steps (ConditionalHead::shares): the share of each level in each coordinate, given what the
  /// coordinates before it are shared among. z: [n, width] → [n, width, levels].
  Variable shares(const Variable& z, double temperature, const Tensor& context = {}) const;
  Variable pull(const Variable& x, const Tensor& context = {}) const override;
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  /// From the noise to standard normal numbers, then one coordinate after the other to its place; at most 64 steps.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  /// The inverse; for whole numbers the middle of the box that leads to x.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;
  /// A random point of the box that leads to x: u_i = F(x_i − 1) + w_i P(x_i), w uniform. For data from the model u is uniform
  /// on the cube (Rüschendorf 2009, the distributional transform), and push(u) is x exactly: the conditionals are computed in
  /// the way in which push does. Real numbers have one u.
  Tensor randomised_inverse(const Tensor& x, Rng& rng, const Tensor& context = {}) const;

  /// log p(x) for each row, [n]; for whole numbers log P(x).
  Variable log_likelihood(const Variable& x, const Tensor& context = {}) const;
  /// Sweeps of the network that Jacobi iteration takes for these rows, the last of which changes nothing.
  int64_t jacobi_sweeps(const Tensor& z, const Tensor& context = {}) const;

  static void fields(auto& self, auto&& visit) {
    visit("network", self.network_);
    visit("order", self.order_);
  }

 private:
  const char* family() const override { return "autoregressive"; }
  /// The condition as rows for x; throws where it does not fit.
  Tensor rows_of(const char* who, const Tensor& context, const Variable& x) const;
  /// Columns in the order in which they are modelled, and back.
  Variable ordered(const Variable& x) const;
  Variable as_given(const Variable& x) const;
  // In the order of modelling, with the condition as rows.
  Variable sequential(const Variable& u, const Tensor& rows) const;
  Tensor jacobi(const Tensor& u, const Tensor& rows, int64_t* sweeps = nullptr) const;
  NoiseInterval intervals_of_push(const Tensor& x, const Tensor& rows) const;

  AutoregressiveSettings settings_;
  Uniform base_;
  std::unique_ptr<const ConditionalHead> head_;
  std::unique_ptr<ConditionalNetwork> network_;
  Tensor order_;  // int64 [width]: which column is modelled first, second, …
};

/// Mean of −log p(x), exactly, without the map itself; works for whole numbers as well.
class ConditionalLikelihood final : public Objective {
 public:
  explicit ConditionalLikelihood(const Autoregressive& model) : model_(model) {}
  std::string name() const override { return "negative log-likelihood (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  /// Of whole numbers: the NLL of the batch, and that of its columns each for itself, which a model that has learned nothing of
  /// their dependence reaches.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Autoregressive& model_;
};

}  // namespace pf
