#pragma once
// The three layers of a step of Glow (Kingma & Dhariwal 2018, arXiv 1807.03039, table 1), on vectors: a scale and shift for
// each coordinate, an invertible linear map by its LU factors, an affine coupling. Each is written in the direction from
// data to noise. A context is the couplings' matter.

#include "models/flow/elementwise.h"
#include "models/flow/layer.h"
#include "nn/mlp.h"

namespace pf {

/// z = exp(log_scale) · x + shift. Starts as the identity, which on normalised data is what the paper's initialisation from
/// the first batch arrives at.
class ActNorm final : public Implements<ActNorm, FlowLayer> {
 public:
  explicit ActNorm(int64_t width);
  Mapped push(const Variable& z, const Tensor& = {}) const override;
  Mapped pull(const Variable& x, const Tensor& = {}) const override;

  static void fields(auto& self, auto&& visit) {
    visit("log_scale", self.log_scale_);
    visit("shift", self.shift_);
  }

 private:
  Variable log_scale_, shift_;  // [width]
};

/// z = P L (U + diag s) x with a fixed permutation P, L unit lower and U strictly upper triangular, s = sign · exp(log_scale)
/// (their eq. 10–11): log|det| = Σ log_scale, and s never changes its sign, so the map stays invertible. Starts as a
/// random rotation or reflection.
class LuLinear final : public Implements<LuLinear, FlowLayer> {
 public:
  LuLinear(int64_t width, Rng& rng);
  Mapped push(const Variable& z, const Tensor& = {}) const override;
  Mapped pull(const Variable& x, const Tensor& = {}) const override;

  static void fields(auto& self, auto&& visit) {
    visit("lower", self.lower_);
    visit("upper", self.upper_);
    visit("log_scale", self.log_scale_);
    visit("sign", self.sign_);
    visit("permutation", self.permutation_);
  }

 private:
  Variable unit_lower() const;  // L
  Variable full_upper() const;  // U + diag s

  Variable lower_, upper_;  // [width, width], of which one triangle is used
  Variable log_scale_;      // [width]
  Tensor sign_;             // [width], 1 or −1
  Tensor permutation_;      // int64 [width]
};

/// Affine coupling: the first half, and the context, decide how the second is moved.
class CouplingLayer final : public Implements<CouplingLayer, FlowLayer> {
 public:
  CouplingLayer(int64_t width, const ElementwiseMap& map, int64_t hidden, Rng& rng, int64_t context = 0);
  Mapped push(const Variable& z, const Tensor& context = {}) const override { return move(z, context, false); }
  Mapped pull(const Variable& x, const Tensor& context = {}) const override { return move(x, context, true); }

  static void fields(auto& self, auto&& visit) { visit("conditioner", self.conditioner_); }

 private:
  Mapped move(const Variable& x, const Tensor& context, bool pulling) const;

  ElementwiseMap map_;
  int64_t fixed_, context_;
  Mlp conditioner_;
};

}  // namespace pf
