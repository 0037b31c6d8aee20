#include "models/autoencoder/family_density.h"

#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

Built build(const Family& family, const std::vector<std::string>& assignments, int64_t width, Rng& rng,
            int64_t context) {
  Settings settings(family.name, family.settings);
  for (const std::string& a : assignments) settings.set(a);
  check(context == 0 || family.conditional(settings), "autoencoder: ", family.name,
        " as the density of the codes takes no condition; choose another code-density");
  return family.build(settings, {.width = width, .context = context}, rng);
}

}  // namespace

FamilyDensity::FamilyDensity(const Family& family, const std::vector<std::string>& settings, int64_t width, Rng& rng,
                             int64_t context)
    : placing_(width, 1, rng, context) {
  Built built = build(family, settings, width, rng, context);
  check(!built.objective->opponent(), "autoencoder: ", family.name,
        " as the density of the codes needs a critic, which is trained in turn; choose another code-density");
  map_ = std::move(built.transform);
  objective_ = std::move(built.objective);
}

// Not the owner: the base is a part of the map, which lives as long as this.
std::shared_ptr<const Distribution> FamilyDensity::base() const {
  return std::shared_ptr<const Distribution>(std::shared_ptr<const void>(), &map_->base());
}

Variable FamilyDensity::log_density(const Variable& code, const Tensor& context) const {
  const auto [white, log_det] = placing_.components(code.size(0), context).whiten(code);
  const Mapped pulled = map_->pull_with_log_det(squeeze(slice(white, 0, 0, 1), 0), context);
  return map_->base().log_density(pulled.value) + pulled.log_det + squeeze(slice(log_det, 0, 0, 1), 0);
}

Variable FamilyDensity::loss(const Tensor& code, Rng& rng, const Tensor& context) const {
  const NormalComponents placing = placing_.components(code.size(0), context);
  const Variable white = placing.whiten(Variable(code)).value;
  return objective_->loss(squeeze(slice(white, 0, 0, 1), 0).value(), rng, context) -
         mean(placing.log_density(Variable(code)));
}

}  // namespace pf
