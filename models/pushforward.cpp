#include "models/pushforward.h"

namespace pf {

Tensor Pushforward::sample(int64_t n, Rng& rng, DType dtype) const {
  return map_->push(Variable(map_->base().sample(n, rng, dtype)), context_).value();
}

Variable Pushforward::log_density(const Variable& x) const {
  check_rows("pushforward", x.shape(), width());
  const Mapped pulled = map_->pull_with_log_det(x, context_);
  return map_->base().log_density(pulled.value) + pulled.log_det;
}

void Pushforward::require_one_width() const {
  check(map_->base().width() == width(), describe(), ": its base ", map_->base().describe(),
        " has another width, so quantiles of its points are not a point's; use sample");
}

Tensor Pushforward::from_uniform(const Tensor& u) const {
  require_one_width();
  return map_->push(Variable(map_->base().from_uniform(u)), context_).value();
}
Tensor Pushforward::to_uniform(const Tensor& x) const {
  require_one_width();
  return map_->base().to_uniform(map_->pull(Variable(x), context_).value());
}
Variable Pushforward::from_normal(const Variable& w) const {
  require_one_width();
  return map_->push(map_->base().from_normal(w), context_);
}
Tensor Pushforward::to_normal(const Tensor& x) const {
  require_one_width();
  return map_->base().to_normal(map_->pull(Variable(x), context_).value());
}

std::string Pushforward::describe() const {
  return join("pushforward of ", map_->base().describe(), " to R^", width());
}

}  // namespace pf
