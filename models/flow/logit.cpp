#include "models/flow/logit.h"

#include <cmath>
#include <limits>

#include "tensor/ops/activations.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/where.h"

namespace pf {

LogitMap::LogitMap(int64_t width, double margin) : base_(width), margin_(margin) {
  check(margin >= 0 && margin < 0.5, "logit: margin ", margin, ": expected 0 to below 0.5, such as 0.05");
}

Traits LogitMap::traits() const {
  return {.invertible = true, .same_width = true, .density = DensityKind::exact, .steps = 0, .inverse_error = 1e-9};
}

Variable LogitMap::push(const Variable& y, const Tensor&) const {
  check_rows("logit push", y.shape(), width());
  return (sigmoid(y) - margin_) * (2 / (1 - 2 * margin_)) - 1.0;
}

Variable LogitMap::log_det(const Variable& y) const {
  return sum(-softplus(y) - softplus(-y) + std::log(2 / (1 - 2 * margin_)), -1);
}

Mapped LogitMap::push_with_log_det(const Variable& y, const Tensor&) const { return {push(y), log_det(y)}; }

Variable LogitMap::pull(const Variable& x, const Tensor&) const {
  check_rows("logit pull", x.shape(), width());
  const Variable s = (x + 1.0) * (0.5 * (1 - 2 * margin_)) + margin_;
  const double least = x.dtype() == float32 ? std::numeric_limits<float>::epsilon() : 1e-15;
  return logit(clamp(s, least, 1 - least));
}

Mapped LogitMap::pull_with_log_det(const Variable& x, const Tensor&) const {
  const Variable y = pull(x);
  const double reach = 1 / (1 - 2 * margin_);  // of |x|: what the ends of (0, 1) are pushed to
  const Tensor beyond = max(abs(x.value()), -1) >= reach;
  return {y, where(beyond, -std::numeric_limits<double>::infinity(), -log_det(y))};
}

Variable Preprocessed::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Mapped inner = outer_.pull_with_log_det(Variable(batch));
  return inner_->loss(inner.value.value(), rng, context) - mean(inner.log_det);
}

std::vector<VitalSign> Preprocessed::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  return inner_->vital_signs(outer_.pull(Variable(batch)).value(), rng, context);
}

}  // namespace pf
