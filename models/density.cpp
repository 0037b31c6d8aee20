#include "models/density.h"

#include <algorithm>

#include "models/injective_density.h"
#include "models/vae/vae.h"

namespace pf {
namespace {

/// A variational autoencoder by its own two parts, in the space of its codes.
class VaeCodes final : public LatentModel {
 public:
  explicit VaeCodes(const Vae& vae) : vae_(vae) {}
  Tensor sample_prior(int64_t n, Rng& rng, DType dtype) const override { return vae_.sample_codes(n, rng, dtype); }
  Variable log_prior(const Variable& z) const override { return vae_.log_prior(z); }
  Variable log_likelihood(const Tensor& x, const Variable& z, const Tensor& context) const override {
    return vae_.log_likelihood(Variable(x), vae_.decode(z, context));
  }

 private:
  const Vae& vae_;
};

/// The model's own two parts, where they are a VAE's with densities; else null.
const Vae* with_prior_density(const Model& model) {
  const auto* vae = dynamic_cast<const Vae*>(&model.inner());
  return vae && vae->has_prior_density() ? vae : nullptr;
}

std::string listed(const std::vector<DensityKind>& kinds, const char* between = ", ") {
  std::string out;
  for (DensityKind kind : kinds) out += (out.empty() ? "" : between) + std::string(name_of(kind));
  return out;
}

LogDensity annealed(const Model& model, const Tensor& rows, Rng& rng, const DensityOptions& options,
                    const Tensor& context) {
  model.check_range(rows);
  const Tensor x = model.normalise(rows, rng);
  std::unique_ptr<LatentModel> latent;
  std::string note = join("annealed importance sampling, ", options.annealing.chains, " chains through ",
                          options.annealing.distributions, " distributions");
  if (const Vae* vae = with_prior_density(model)) {
    latent = std::make_unique<VaeCodes>(*vae);
  } else {
    latent = std::make_unique<NoisyMap>(model.inner(), options.noise);
    note += join(", of samples with noise of ", options.noise, " deviations of the data");
  }
  const Tensor value = annealed_importance(*latent, x, rng, options.annealing, context);
  return {value - model.log_scale(), DensityKind::ais, note};
}

}  // namespace

std::vector<DensityKind> density_kinds(const Model& model) {
  const Transform& map = model.transform();
  const Traits traits = map.traits();
  std::vector<DensityKind> kinds;
  if (traits.density != DensityKind::none) kinds.push_back(traits.density);
  if (traits.smooth && map.base().width() <= map.width()) kinds.push_back(DensityKind::injective);
  // A decoder's likelihood has a slope in the code, also where its samples have none.
  if (with_prior_density(model) || (traits.smooth && map.base().has_normal_coordinates()))
    kinds.push_back(DensityKind::ais);
  return kinds;
}

DensityKind parse_density_kind(const Model& model, const std::string& name) {
  const std::vector<DensityKind> kinds = density_kinds(model);
  const std::string& family = model.config().family;
  if (name.empty()) {
    if (model.transform().traits().density != DensityKind::none) return kinds[0];
    fail(family, ": the family has no density; compare samples instead (evaluate)",
         kinds.empty() ? "" : ", or ask for another kind: --density " + listed(kinds, " or "));
  }
  for (DensityKind kind : kinds)
    if (name == name_of(kind)) return kind;
  throw UsageError(join("--density ", name, ": ", family, " with these settings has ",
                        kinds.empty() ? "none" : "only " + listed(kinds)));
}

LogDensity log_density(const Model& model, DensityKind kind, const Tensor& rows, Rng& rng,
                       const DensityOptions& options, const Tensor& context) {
  const std::vector<DensityKind> kinds = density_kinds(model);
  check(std::find(kinds.begin(), kinds.end(), kind) != kinds.end(), "density: ", model.config().family, " has no ",
        name_of(kind), " density, only ", kinds.empty() ? "none" : listed(kinds));
  if (kind == DensityKind::ais) return annealed(model, rows, rng, options, context);
  // Areas are measured on the data's own scale.
  if (kind == DensityKind::injective)
    return injective_density(model.transform(), model.denormalise(model.normalise(rows, rng)), context);
  return model.log_density(rows, rng, context);
}

}  // namespace pf
