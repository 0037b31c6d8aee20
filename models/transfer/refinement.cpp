#include "models/transfer/refinement.h"

#include <algorithm>

#include "autograd/engine.h"
#include "nn/data/batches.h"
#include "nn/gradients.h"
#include "nn/optim/schedule.h"
#include "tensor/ops/reduce.h"

namespace pf {

Refinement::Refinement(const Transform& map, const Tensor& rows, Rng& rng, const RefinementOptions& options)
    : options_(options),
      game_(map, {.game = Game::non_saturating, .real_penalty = options.gamma, .hidden = options.hidden, .depth = 3},
            rng) {
  Opponent& player = *game_.opponent();
  const std::vector<Field> parameters = parameters_of(player);
  Adam adam;
  Batches batches(rows, std::min(options.batch, rows.size(0)), rng.child(1));
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options.rate,
                          .total = options.critic_steps,
                          .final_rate = options.rate / 10};
  for (int64_t step = 0; step < options.critic_steps; ++step) {
    const Tensor batch = batches.next().x;
    auto [loss, gradients] =
        value_and_grad(std::span<const Field>(parameters), [&] { return player.loss(batch, rng); });
    adam.update(parameters, gradients, schedule(step));
  }
}

Tensor Refinement::operator()(const Tensor& x) const {
  Tensor at = x;
  for (int64_t step = 0; step < options_.steps; ++step) {
    const Variable here = tracked(at);
    at = at + grad(sum(game_.critic()(here)), here) * options_.step_size;
  }
  return at;
}

}  // namespace pf
