#include "nn/optim/adam.h"

#include <cmath>

#include "nn/optim/fused_update.h"

namespace pf {

Adam::Adam(AdamOptions options) : options_(options), slots_{.optimizer = "adam", .names = {"mean", "square"}} {
  for (double beta : {options.beta1, options.beta2})
    check(beta >= 0 && beta < 1, "adam: beta ", beta, ": expected 0 or more, below 1");
}

void Adam::update(std::span<const Field> parameters, const Gradients& gradients, double rate) {
  const AdamOptions o = options_;
  const double t = double(slots_.steps + 1);
  const double step = rate / (1 - std::pow(o.beta1, t));
  const double root = 1 / std::sqrt(1 - std::pow(o.beta2, t));  // √v̂ = √v · root
  update_fused<2>(slots_, parameters, gradients, [=](const Variable& parameter) {
    const double decay = o.decay_vectors || parameter.rank() >= 2 ? o.weight_decay : 0;
    const double shrink = o.decoupled ? 1 - rate * decay : 1, pull = o.decoupled ? 0 : decay;
    return [=]<class V>(V& p, V g, V& m, V& v) {
      g = g + V(pull) * p;
      m = V(o.beta1) * m + V(1 - o.beta1) * g;
      v = V(o.beta2) * v + V(1 - o.beta2) * (g * g);
      p = V(shrink) * p - V(step) * m / (math::sqrt(v) * V(root) + V(o.epsilon));
    };
  });
}

}  // namespace pf
