#pragma once
// Residual flow: z = x + g(x) with a contraction g, which is invertible whatever g looks like (Behrmann et al. 2019,
// arXiv 1811.00995; Chen et al. 2019, arXiv 1906.02735). Nothing is masked or split, so the Jacobian is full: its
// log-determinant is taken exactly, from all derivatives, which suits data with few columns.

#include "models/flow/layer.h"
#include "nn/linear.h"

namespace pf {

/// A bound on the largest singular value of a matrix that is never below it and at most rank^(1/2p) times it:
/// (tr (WᵀW)^p)^(1/2p) with p = 16, by repeated squaring. Unlike power iteration it has no state, does not fall short,
/// and has exact derivatives.
Variable spectral_bound(const Variable& weight);

/// g(x) = W₂ sin(W₁ x + b₁) + b₂, with W₂ divided by what the product of both spectral bounds exceeds `lipschitz` by: the
/// product is what has to be bounded, so that W₁ is free to make fine waves, of small height. Of smooth functions with
/// slopes up to 1, sine has slopes near 1 most often, and a contraction needs them to be. A context is further columns of
/// W₁, which the bound does not concern: g has to be a contraction in x.
class ResidualLayer final : public Implements<ResidualLayer, FlowLayer> {
 public:
  /// context: numbers of the condition; 0: none.
  ResidualLayer(int64_t width, int64_t hidden, Rng& rng, int64_t context = 0);
  /// The fixed point of x = z − g(x) (Behrmann et al., algorithm 1), polished by Newton's method.
  Mapped push(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull(const Variable& x, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) { visit("network", self.network_); }

  static constexpr double lipschitz = 0.95;  // of g, at most
  static constexpr int64_t widest = 64;      // columns

 private:
  struct WithJacobian {
    Variable value;     // x + g(x) [n, width]
    Variable jacobian;  // its derivative [n, width, width]
  };
  std::vector<Variable> contracted_weights() const;
  Variable branch(const std::vector<Variable>& weights, const Variable& x, const Tensor& context) const;
  WithJacobian with_jacobian(const std::vector<Variable>& weights, const Variable& x, const Tensor& context) const;

  int64_t width_, context_;
  std::vector<Linear> network_;
};

}  // namespace pf
