#include "models/flow_matching/pairing.h"

#include <cmath>

#include "models/assignment.h"
#include "models/entropic_pairing.h"
#include "models/objective.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"

namespace pf {
namespace {

/// x with the context beside it, in units in which another class, or a tenth of a column's deviation, is as far as noise
/// from a point.
Tensor apart(const Tensor& x, const Tensor& context) {
  if (!context.defined() || context.size(0) == 1) return x;
  const double unit = 10 * std::sqrt(double(x.size(1)));
  return concat(std::vector<Tensor>{x, cast(context, x.dtype()) * unit}, 1);
}

EntropicPlan plan_of(const Tensor& to, const Tensor& from, double sigma) {
  return entropic_plan(to, from, 2 * sigma * sigma);
}

}  // namespace

Tensor paired(Pairing pairing, const Tensor& x0, const Tensor& x1, const Tensor& context, double sigma, Rng& rng) {
  if (pairing == Pairing::independent) return x0;
  const Tensor to = apart(x1, context), from = apart(x0, context);
  // A plan that misses its tolerance does not end a training; pairing_signs tell of it.
  const Tensor order =
      pairing == Pairing::optimal ? optimal_pairing(to, from) : entropic_pairing(plan_of(to, from, sigma), rng);
  return index_select(x0, 0, order);
}

std::vector<VitalSign> pairing_signs(Pairing pairing, const Tensor& x0, const Tensor& x1, const Tensor& context,
                                     double sigma) {
  if (pairing != Pairing::entropic) return {};
  return {plan_sign(plan_of(apart(x1, context), apart(x0, context), sigma))};
}

Tensor paired_noise(Pairing pairing, const Tensor& x1, const Tensor& context, double sigma, Rng& rng) {
  return paired(pairing, rng.normal(x1.shape(), x1.dtype()), x1, context, sigma, rng);
}

}  // namespace pf
