#include "nn/optim/sgd.h"

#include "nn/optim/fused_update.h"

namespace pf {

Sgd::Sgd(SgdOptions options) : options_(options), slots_{.optimizer = "sgd"} {
  check(options.momentum >= 0 && options.momentum < 1, "sgd: momentum ", options.momentum,
        ": expected 0 or more, below 1");
  check(!options.nesterov || options.momentum > 0,
        "sgd: Nesterov's method without momentum: expected momentum above 0");
  if (options.momentum > 0) slots_.names = {"momentum"};
}

void Sgd::update(std::span<const Field> parameters, const Gradients& gradients, double rate) {
  const auto [momentum, nesterov, decay] = options_;
  if (momentum == 0) {
    update_fused<0>(slots_, parameters, gradients,
                    [=](const Variable&) { return [=]<class V>(V& p, V g) { p = p - V(rate) * (g + V(decay) * p); }; });
    return;
  }
  update_fused<1>(slots_, parameters, gradients, [=](const Variable&) {
    return [=]<class V>(V& p, V g, V& m) {
      g = g + V(decay) * p;
      m = V(momentum) * m + g;
      p = p - V(rate) * (nesterov ? g + V(momentum) * m : m);
    };
  });
}

}  // namespace pf
