#include "models/objective.h"

namespace pf {

Variable MaximumLikelihood::loss(const Tensor& batch, Rng&, const Tensor& context) const {
  const Mapped pulled = transform_.pull_with_log_det(batch, context);
  return -mean(transform_.base().log_density(pulled.value) + pulled.log_det);
}

}  // namespace pf
