#pragma once
// Autoregressive flows: coordinate i is moved by a map that the coordinates before it decide. The Jacobian is triangular,
// one direction takes one pass of a masked network, and the other as many as there are coordinates. A context comes before
// every coordinate.
//
//   maf         pulling in one pass, affine: density fast, sampling slow    Papamakarios et al. 2017, arXiv 1705.07057
//   iaf         pushing in one pass, affine: sampling fast, density slow    Kingma et al. 2016, arXiv 1606.04934
//   spline-ar   pulling in one pass, splines                                Durkan et al. 2019, arXiv 1906.04032

#include "models/flow/elementwise.h"
#include "models/flow/layer.h"
#include "nn/masked_linear.h"

namespace pf {

struct AutoregressiveFlowSettings {
  ElementwiseMap map;
  int64_t hidden = 64;           // width of the network's two hidden layers
  bool pull_in_one_pass = true;  // else pushing is
};

class AutoregressiveLayer final : public Implements<AutoregressiveLayer, FlowLayer> {
 public:
  /// Coordinates in their order, or the last one first. context: numbers of the condition; 0: none.
  AutoregressiveLayer(int64_t width, const AutoregressiveFlowSettings& settings, bool last_first, Rng& rng,
                      int64_t context = 0);

  Mapped push(const Variable& z, const Tensor& context = {}) const override {
    return settings_.pull_in_one_pass ? solve(z, context, false) : once(z, context, false);
  }
  Mapped pull(const Variable& x, const Tensor& context = {}) const override {
    return settings_.pull_in_one_pass ? once(x, context, true) : solve(x, context, true);
  }

  static void fields(auto& self, auto&& visit) { visit("network", self.network_); }

 private:
  /// What the network says about each coordinate, from those before it.
  Variable parameters(const Variable& input, const Tensor& context) const;
  Mapped once(const Variable& input, const Tensor& context, bool pulling) const;
  /// The other direction: the input of `once` that gives `output`.
  Mapped solve(const Variable& output, const Tensor& context, bool pulling) const;

  AutoregressiveFlowSettings settings_;
  int64_t context_;
  std::vector<MaskedLinear> network_;
};

}  // namespace pf
