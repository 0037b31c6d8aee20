#pragma once
// Coupling flows: half of the coordinates pass unchanged and decide how the other half is moved, coordinate by coordinate.
// The Jacobian is triangular, so its log-determinant is a sum, and the inverse costs the same as the map.
//
//   affine   x = z · exp(tanh s) + t                          RealNVP, Dinh et al. 2017, arXiv 1605.08803, eq. 7–8
//   spline   x = monotone rational-quadratic spline of z     Durkan et al. 2019, arXiv 1906.04032, section 3
//
// Both directions are closed forms. What is evaluated in training is the way from data to noise.

#include "models/flow/elementwise.h"
#include "models/transform.h"
#include "nn/mlp.h"

namespace pf {

struct CouplingSettings {
  CouplingKind kind = CouplingKind::spline;
  int64_t layers = 6;
  int64_t hidden = 64;  // width of the two hidden layers of each conditioner
  int64_t bins = 8;     // of a spline
  double bound = 3;     // a spline acts on (−bound, bound) and is the identity outside
};

/// A stack of couplings on R^width, width ≥ 2. Base: N(0, I). The halves exchange roles from layer to layer; beyond two
/// coordinates a fixed random permutation before each pair of layers makes the halves differ. Every conditioner sees the
/// context.
class CouplingFlow final : public Implements<CouplingFlow, Transform> {
 public:
  /// context: numbers of the condition; 0: none.
  CouplingFlow(int64_t width, const CouplingSettings& settings, Rng& rng, int64_t context = 0);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override {
    return push_with_log_det(z, context).value;
  }
  Variable pull(const Variable& x, const Tensor& context = {}) const override {
    return pull_with_log_det(x, context).value;
  }
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  /// One position a layer.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) {
    visit("conditioners", self.conditioners_);
    visit("permutations", self.permutations_);
  }

 private:
  const char* family() const override { return "flow"; }
  struct Halves {
    Variable a, b;
  };
  Halves split(const Variable& x) const;
  Variable merge(const Halves& halves) const;
  Variable permute(const Variable& x, size_t pair, bool inverse) const;
  /// Layer i on the way to the noise (pulling) or to the data; its log-determinants [n, moved] are appended.
  void apply_layer(size_t i, Halves& halves, const Tensor& context, bool pulling,
                   std::vector<Variable>& log_dets) const;
  Mapped run(const Variable& input, const Tensor& context, bool pulling, std::vector<Tensor>* positions) const;

  CouplingSettings settings_;
  ElementwiseMap map_;
  Normal base_;
  int64_t first_half_, context_;
  std::vector<Mlp> conditioners_;
  std::vector<Tensor> permutations_;  // int64, one a pair of layers; none for two coordinates
};

}  // namespace pf
