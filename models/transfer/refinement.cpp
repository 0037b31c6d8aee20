#include "models/transfer/refinement.h"

#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "nn/data/batches.h"
#include "nn/gradients.h"
#include "nn/optim/schedule.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"
#include "tensor/suggest.h"

namespace pf {
namespace {

/// A function of d whose slope is s(d).
Variable potential(FlowDivergence divergence, const Variable& d) {
  switch (divergence) {
    case FlowDivergence::kl:
      return d;
    case FlowDivergence::js:
      return softplus(d);
    case FlowDivergence::log_d:
      return -softplus(-d);
  }
  fail("refinement: unknown divergence ", int(divergence));
}

/// f of so many rows at a time that what is recorded stays small, with the contexts that belong to them.
template <class F> Tensor by_parts(const Tensor& rows, const Tensor& context, const F& f) {
  constexpr int64_t at_once = 2000;
  const int64_t n = rows.size(0);
  const bool each = context.defined() && context.size(0) == n;
  std::vector<Tensor> parts{slice(rows, 0, 0, 0)};
  for (int64_t i = 0; i < n; i += at_once) {
    const int64_t end = std::min(n, i + at_once);
    parts.push_back(f(slice(rows, 0, i, end), each ? slice(context, 0, i, end) : context));
  }
  return concat(parts, 0);
}

}  // namespace

FlowDivergence parse_flow_divergence(const std::string& name) {
  if (name == "kl") return FlowDivergence::kl;
  if (name == "js") return FlowDivergence::js;
  if (name == "log-d") return FlowDivergence::log_d;
  const std::vector<std::string> names{"kl", "js", "log-d"};
  throw UsageError(join("divergence '", name, "': there is none of this name", did_you_mean(name, names),
                        "; there are kl, js and log-d"));
}

Tensor follow_ratio(const Tensor& start, const LogRatio& log_ratio, const RatioFlow& flow, Rng& rng) {
  check(flow.steps >= 0 && flow.step_size > 0 && flow.noise >= 0, "refinement: ", flow.steps, " steps of ",
        flow.step_size, " with noise ", flow.noise, ": expected positive steps and no negative noise");
  Tensor at = start;
  const double spread = std::sqrt(2 * flow.step_size * flow.noise);
  for (int64_t step = 0; step < flow.steps; ++step) {
    const Variable here = tracked(at);
    at = at + grad(sum(potential(flow.divergence, log_ratio(here))), here) * flow.step_size;
    if (spread > 0) at = at + rng.normal(at.shape(), at.dtype()) * spread;
  }
  return at;
}

Refinement::Refinement(const Transform& map, const Tensor& rows, Rng& rng, const RefinementOptions& options,
                       const Tensor& context)
    : map_(map),
      options_(options),
      game_(map,
            {.game = Game::non_saturating,
             .real_penalty = options.gamma,
             .hidden = options.hidden,
             .depth = 3,
             .context = context.defined() ? context.size(1) : 0},
            rng) {
  Opponent& player = *game_.opponent();
  const std::vector<Field> parameters = parameters_of(player);
  Adam adam;
  Batches batches(rows, context, std::min(options.batch, rows.size(0)), rng.child(1));
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options.rate,
                          .total = options.critic_steps,
                          .final_rate = options.rate / 10};
  for (int64_t step = 0; step < options.critic_steps; ++step) {
    const Batch batch = batches.next();
    auto [loss, gradients] =
        value_and_grad(std::span<const Field>(parameters), [&] { return player.loss(batch.x, rng, batch.context); });
    adam.update(parameters, gradients, schedule(step));
  }
}

Tensor Refinement::operator()(const Tensor& x, Rng& rng, const Tensor& context) const {
  check_rows("refinement", x.shape(), map_.width());
  return by_parts(x, context, [&](const Tensor& rows, const Tensor& given) {
    return follow_ratio(
        rows, [&](const Variable& at) { return log_ratio(at, given); }, options_.flow, rng);
  });
}

Tensor Refinement::refined_noise(const Tensor& z, Rng& rng, const Tensor& context) const {
  check_rows("refinement of noise", z.shape(), map_.base().width());
  const bool smooth = map_.traits().smooth;
  const Tensor w = by_parts(map_.base().to_normal(z), context, [&](const Tensor& rows, const Tensor& given) {
    const LogRatio of_noise = [&](const Variable& at) {
      const Variable from = map_.base().from_normal(at);
      return log_ratio(smooth ? map_.push(from, given) : map_.push_relaxed(from, options_.temperature, given), given);
    };
    return follow_ratio(rows, of_noise, options_.flow, rng);
  });
  return map_.base().from_normal(Variable(w)).value();
}

}  // namespace pf
