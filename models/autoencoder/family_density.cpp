#include "models/autoencoder/family_density.h"

#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

Built build_on_codes(const char* owner, const Family& family, const std::vector<std::string>& assignments,
                     int64_t width, Rng& rng, int64_t context) {
  Settings settings(family.name, family.settings);
  for (const std::string& a : assignments) settings.set(a);
  if (family.data_kind(settings) != DataKind::real)
    throw UsageError(join(owner, ": ", family.name, " with variant=", settings.word("variant"),
                          " models whole numbers, and codes are real ones; choose another variant"));
  check(context == 0 || family.conditional(settings), owner, ": ", family.name,
        " on the codes takes no condition; choose another family for them");
  return family.build(settings, {.width = width, .context = context}, rng);
}

}  // namespace

FamilyDensity::FamilyDensity(const char* owner, const Family& family, const std::vector<std::string>& settings,
                             int64_t width, Rng& rng, int64_t context)
    : placing_(width, 1, rng, context) {
  Built built = build_on_codes(owner, family, settings, width, rng, context);
  map_ = std::move(built.transform);
  objective_ = std::move(built.objective);
}

// Not the owner: the base is a part of the map, which lives as long as this.
std::shared_ptr<const Distribution> FamilyDensity::base() const {
  return std::shared_ptr<const Distribution>(std::shared_ptr<const void>(), &map_->base());
}

bool FamilyDensity::has_exact_density() const { return map_->traits().density == DensityKind::exact; }
bool FamilyDensity::has_density() const { return has_exact_density() || map_->traits().density == DensityKind::ode; }

Variable FamilyDensity::log_density(const Variable& code, const Tensor& context) const {
  const auto [white, log_det] = placing_.components(code.size(0), context).whiten(code);
  const Mapped pulled = map_->pull_with_log_det(squeeze(slice(white, 0, 0, 1), 0), context);
  return map_->base().log_density(pulled.value) + pulled.log_det + squeeze(slice(log_det, 0, 0, 1), 0);
}

Tensor FamilyDensity::prepared(const Tensor& code, const Tensor& context) const {
  const Variable white = placing_.components(code.size(0), context).whiten(Variable(code)).value;
  return squeeze(slice(white, 0, 0, 1), 0).value();
}

Variable FamilyDensity::loss(const Tensor& code, Rng& rng, const Tensor& context) const {
  return objective_->loss(prepared(code, context), rng, context) -
         mean(placing_.components(code.size(0), context).log_density(Variable(code)));
}

// Codes are few, so the network is small; fixed steps make the whole map as smooth as its networks.
FamilyOnCodes family_on_codes(const std::string& word, const std::string& hidden, int64_t latent) {
  const size_t colon = word.find(':');
  FamilyOnCodes out{word.substr(0, colon), {"hidden=" + hidden}};
  if (colon != std::string::npos) out.settings.push_back("variant=" + word.substr(colon + 1));
  const auto add = [&](std::initializer_list<std::string> more) { out.settings.insert(out.settings.end(), more); };
  if (out.family == "diffusion") add({"solver=heun", "depth=3"});
  if (out.family == "flow-matching") add({"solver=rk4"});
  // Whitened codes have few fine structures.
  if (out.family == "diffusion" || out.family == "flow-matching" || out.family == "flow") add({"waves=0"});
  if (out.family == "gan" || out.family == "vae" || out.family == "autoencoder") add({join("latent=", latent)});
  return out;
}

CodeTraining::CodeTraining(const CodeDensity* density, bool conditional, Codes codes)
    : density_(density),
      conditional_(conditional),
      codes_(std::move(codes)),
      objective_(density ? density->objective() : nullptr) {
  if (objective_ && objective_->opponent()) player_.emplace(*objective_->opponent(), *density_, conditional_, codes_);
}

void CodeTraining::after_step(const Tensor& batch, Rng& rng, const Tensor& context) {
  if (!objective_) return;
  const Tensor given = conditional_ ? context : Tensor();
  objective_->after_step(density_->prepared(codes_(batch, rng, context), given), rng, given);
}

}  // namespace pf
