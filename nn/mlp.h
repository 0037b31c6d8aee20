#pragma once
#include "nn/activation.h"
#include "nn/dropout.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"

namespace pf {

/// {in, hidden, …, hidden, out} with `depth` hidden layers of one width.
std::vector<int64_t> mlp_widths(int64_t in, int64_t hidden, int64_t depth, int64_t out);

struct MlpOptions {
  Activation activation = Activation::silu;
  Activation final_activation = Activation::identity;
  bool layer_norm = false;  // after every hidden linear layer
  double dropout = 0;       // after every hidden activation, when a generator is passed
  double final_gain = 1;    // 0: the network starts as zero, so that a residual or coupling starts as the identity
};

/// A multilayer perceptron, widths {in, hidden…, out}: linear (norm, activation, dropout) … linear.
/// mlp(x) evaluates; mlp(x, rng) trains, with dropout.
struct Mlp {
  std::vector<Linear> layers;
  std::vector<LayerNorm> norms;
  MlpOptions options;

  Mlp(const std::vector<int64_t>& widths, Rng& rng, MlpOptions settings = {});

  int64_t in() const { return layers.front().in(); }
  int64_t out() const { return layers.back().out(); }
  Variable operator()(const Variable& x) const {
    return in_network_precision(x, [&](const Variable& in) { return run(in, nullptr); });
  }
  Variable operator()(const Variable& x, Rng& rng) const {
    return in_network_precision(x, [&](const Variable& in) { return run(in, &rng); });
  }
  static void fields(auto& self, auto&& visit) {
    visit("layers", self.layers);
    visit("norms", self.norms);
  }

 private:
  Variable run(Variable x, Rng* rng) const;
};

}  // namespace pf
