#pragma once
#include "models/flow/layer.h"

namespace pf {

/// Planar map (Rezende & Mohamed 2015, arXiv 1505.05770, eq. 10–12 and appendix A.1): z = x + û tanh(wᵀx + b), which moves
/// all points along one direction. û is u, changed along w so that wᵀû > −1, which keeps the map invertible;
/// log|det| = log(1 + (1 − tanh²) wᵀû).
///
/// The inverse is one unknown number for each point, α = wᵀx, the root of the increasing function
/// α + wᵀû tanh(α + b) − wᵀz. So the density is exact in both directions.
class PlanarLayer final : public Implements<PlanarLayer, FlowLayer> {
 public:
  PlanarLayer(int64_t width, Rng& rng);
  Mapped push(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull(const Variable& x, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) {
    visit("direction", self.u_);
    visit("normal", self.w_);
    visit("bias", self.b_);
  }

 private:
  struct Constrained {
    Variable u;      // û [width, 1]
    Variable slope;  // wᵀû [1, 1], above −1
  };
  Constrained constrained() const;

  Variable u_, w_;  // [width, 1]
  Variable b_;      // [1, 1]
};

}  // namespace pf
