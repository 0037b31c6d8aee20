#include "models/flow_matching/rectified_flow.h"

namespace pf {

Rectification::Rectification(FlowMatching& model, int64_t reflows, int64_t pair_steps)
    : model_(model), first_(model, Pairing::independent), reflows_(reflows), pair_steps_(pair_steps) {
  check(reflows == 0 || model.settings().keeps_teacher, "rectified flow: ", reflows,
        " reflows of a model that keeps no teacher; set keeps_teacher");
}

PathPoints Rectification::pairs(const Tensor& batch, Rng& rng, const Tensor& context) const {
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
  return velocity_loss(model_.velocity(), pairs(batch, rng, context));
}

std::vector<VitalSign> Rectification::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  if (model_.stage() == 0) return first_.vital_signs(batch, rng, context);
  return velocity_signs(model_.velocity(), pairs(batch, rng, context));
}

}  // namespace pf
