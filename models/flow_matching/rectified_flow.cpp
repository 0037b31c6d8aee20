#include "models/flow_matching/rectified_flow.h"

#include "models/loss_by_level.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {

Rectification::Rectification(FlowMatching& model, int64_t reflows, int64_t pair_steps)
    : model_(model), first_(model, Pairing::independent), reflows_(reflows), pair_steps_(pair_steps) {
  check(reflows == 0 || model.settings().keeps_teacher, "rectified flow: ", reflows,
        " reflows of a model that keeps no teacher; set keeps_teacher");
}

Rectification::Pairs Rectification::pairs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  const Tensor x0 = model_.base().sample(n, rng, batch.dtype()), t = rng.uniform({n, 1}, batch.dtype());
  const Tensor given = model_.settings().guidance.training_rows("flow-matching loss", context, n, batch.dtype(), rng);
  const VelocityField teacher = model_.teacher();
  const OdeField field = [&](double at, const OdeState& x) { return OdeState{teacher(x[0], at, given)}; };
  const OdeOptions solver{.method = OdeMethod::rk4, .steps = pair_steps_};
  const Tensor x1 = solve_ode(field, {Variable(x0)}, 0, 1, solver).state[0].value();
  return {t, x0 + t * (x1 - x0), x1 - x0, given};
}

Variable Rectification::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  if (model_.stage() == 0) return first_.loss(batch, rng, context);
  const Pairs at = pairs(batch, rng, context);
  const Variable v = model_.velocity()(Variable(at.x), at.t, at.given);
  return sum(square(v - Variable(at.velocity))) / double(batch.size(0));
}

std::vector<VitalSign> Rectification::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  if (model_.stage() == 0) return first_.vital_signs(batch, rng, context);
  const Pairs at = pairs(batch, rng, context);
  return loss_by_level("time", at.t, model_.velocity()(Variable(at.x), at.t, at.given).value(), at.velocity);
}

}  // namespace pf
