#pragma once
// MADE, a multilayer perceptron whose outputs for coordinate i see the coordinates before i only (Germain et al. 2015,
// arXiv 1502.03509, section 4): every unit has a degree, the number of the last coordinate that it may depend on, and a
// weight is kept where the degrees allow it. The numbers of a condition have degree 0: everybody may see them.
//
// The hidden units are in the order of their degrees. So what depends on the first i coordinates is the first units of
// every layer, and the network can also be evaluated coordinate by coordinate, each unit once: a whole sample then costs
// one pass, where one pass a coordinate is the textbook's way.

#include "models/autoregressive/conditional_network.h"
#include "nn/activation.h"
#include "nn/masked_linear.h"

namespace pf {

struct MadeSettings {
  int64_t outputs = 1;  // for each coordinate
  int64_t hidden = 64, depth = 2;
  Tensor start = {};  // [outputs]: what the outputs are near at first; undefined: zero
};

class Made final : public Implements<Made, ConditionalNetwork> {
 public:
  std::vector<MaskedLinear> layers;
  NetworkInput input;
  int64_t outputs = 1;
  std::vector<int64_t> ready;  // ready[i]: how many units of a hidden layer the outputs of coordinate i may see

  Made(const NetworkInput& told, const MadeSettings& settings, Rng& rng);

  Variable operator()(const Variable& x, const Tensor& context = {}) const override;
  std::unique_ptr<ConditionalSequence> unroll(int64_t rows, const Tensor& context = {}) const override;
  static void fields(auto& self, auto&& visit) { visit("layers", self.layers); }

  /// Inputs of the network for one coordinate: itself, or one for each class.
  int64_t inputs_each() const { return input.classes ? input.levels : 1; }
  /// Coordinates as inputs: real numbers as they are, levels from 0 to 1, classes as one-hot rows.
  /// [n, m] → [n, m · inputs_each()]
  Variable inputs_of(const Variable& x) const;
  /// The same of one coordinate, of which the share of each level is given: [n, levels] → [n, inputs_each()]
  Variable inputs_of_shares(const Variable& shares) const;
};

}  // namespace pf
