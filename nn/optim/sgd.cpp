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
  const auto first = [](const Variable&) { return 0; };
  if (momentum == 0) {
    const SgdRule<double> rule{rate, decay};
    return update_fused<0>(slots_, parameters, gradients, cuda::Update::sgd, std::array{rule, rule}, first);
  }
  const MomentumRule<double> rule{rate, decay, momentum, nesterov};
  update_fused<1>(slots_, parameters, gradients, cuda::Update::momentum, std::array{rule, rule}, first);
}

}  // namespace pf
