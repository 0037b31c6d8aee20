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
  AdamRule<double> rule{.beta1 = o.beta1,
                        .rest1 = 1 - o.beta1,
                        .beta2 = o.beta2,
                        .rest2 = 1 - o.beta2,
                        .step = step,
                        .root = root,
                        .epsilon = o.epsilon,
                        .shrink = 1,
                        .pull = 0};
  const AdamRule<double> plain = rule;
  (o.decoupled ? rule.shrink : rule.pull) = o.decoupled ? 1 - rate * o.weight_decay : o.weight_decay;
  update_fused<2>(slots_, parameters, gradients, cuda::Update::adam, std::array{rule, plain},
                  [&](const Variable& parameter) { return o.decay_vectors || parameter.rank() >= 2 ? 0 : 1; });
}

}  // namespace pf
