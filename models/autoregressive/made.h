#pragma once
// MADE, a multilayer perceptron whose outputs for coordinate i see the coordinates before i only (Germain et al. 2015,
// arXiv 1502.03509, section 4): every unit has a degree, the number of the last coordinate that it may depend on, and a
// weight is kept where the degrees allow it.
//
// The hidden units are in the order of their degrees. So what depends on the first i coordinates is the first units of
// every layer, and the network can also be evaluated coordinate by coordinate, each unit once (MadeSequence): a whole
// sample then costs one pass, where one pass a coordinate is the textbook's way.

#include "nn/activation.h"
#include "nn/masked_linear.h"

namespace pf {

/// [n, width] → [n, width, outputs]: the outputs of coordinate i are a function of coordinates 0 … i − 1.
struct Made {
  std::vector<MaskedLinear> layers;
  int64_t outputs = 1;
  std::vector<int64_t> ready;  // ready[i]: how many units of a hidden layer the outputs of coordinate i may see

  /// `depth` hidden layers of `hidden` units.
  Made(int64_t width, int64_t outputs, int64_t hidden, int64_t depth, Rng& rng);

  int64_t width() const { return layers.front().weight.size(1); }
  Variable operator()(const Variable& x) const;
  static void fields(auto& self, auto&& visit) { visit("layers", self.layers); }
};

/// The network unrolled: one call a coordinate, in order. What is recorded for differentiation is what the calls compute.
class MadeSequence {
 public:
  MadeSequence(const Made& made, int64_t rows);

  /// The outputs of the next coordinate, [rows, outputs]. `previous`: the coordinate before it, [rows, 1]; none for the
  /// first.
  Variable next(const Variable& previous = {});

 private:
  /// Units [from, to) of a layer, from the first `inputs` units of what is below it.
  Variable affine(const MaskedLinear& layer, const Variable& below, int64_t inputs, int64_t from, int64_t to) const;

  const Made& made_;
  int64_t rows_, at_ = 0;
  Variable x_;                    // the coordinates so far, [rows, at]
  std::vector<Variable> hidden_;  // of each hidden layer the units that are known, [rows, ready]
};

}  // namespace pf
