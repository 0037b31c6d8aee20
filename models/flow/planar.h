#pragma once
#include <optional>

#include "models/flow/layer.h"
#include "nn/mlp.h"

namespace pf {

/// û, which is u changed along w so that wᵀû > −1, and slope = wᵀû (appendix A.1 of the paper below); u = 0 stays 0. For rows
/// of u and w.
struct PlanarDirection {
  Variable u, slope;
};
PlanarDirection invertible_direction(const Variable& u, const Variable& w);

/// Planar map (Rezende & Mohamed 2015, arXiv 1505.05770, eq. 10–12 and appendix A.1): z = x + û tanh(wᵀx + b), which moves
/// all points along one direction. û is u, changed along w so that wᵀû > −1, which keeps the map invertible;
/// log|det| = log(1 + (1 − tanh²) wᵀû).
///
/// The inverse is one unknown number for each point, α = wᵀx, the root of the increasing function
/// α + wᵀû tanh(α + b) − wᵀz. So the density is exact in both directions.
///
/// A context adds to u, w and b what a network makes of it, as the posterior of that paper does with the data.
class PlanarLayer final : public Implements<PlanarLayer, FlowLayer> {
 public:
  /// context: numbers of the condition, 0: none; hidden: units of the network that takes them.
  PlanarLayer(int64_t width, Rng& rng, int64_t context = 0, int64_t hidden = 64);
  Mapped push(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull(const Variable& x, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) {
    visit("direction", self.u_);
    visit("normal", self.w_);
    visit("bias", self.b_);
    visit("given", self.given_);
  }

 private:
  /// For every row, or one for all.
  struct Constrained {
    Variable u, w;   // û and w, [n, width] or [1, width]
    Variable b;      // [n, 1] or [1, 1]
    Variable slope;  // wᵀû, like b; above −1
  };
  Constrained constrained(const Tensor& context) const;

  Variable u_, w_;  // [width, 1]
  Variable b_;      // [1, 1]
  std::optional<Mlp> given_;
};

}  // namespace pf
