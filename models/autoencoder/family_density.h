#pragma once
// Any family as the density of codes: latent diffusion (Rombach et al. 2022, arXiv 2112.10752) is an autoencoder with a diffusion
// model on its codes, and every other family can stand there as well.
//
//   c = m + A⁻¹ T(z)      T the family's map, trained by its own objective on the codes that m and A have whitened

#include "models/autoencoder/code_density.h"
#include "models/family.h"

namespace pf {

class FamilyDensity final : public Implements<FamilyDensity, CodeDensity> {
 public:
  /// A family with its default settings, apart from those in `settings` ("key=value").
  FamilyDensity(const Family& family, const std::vector<std::string>& settings, int64_t width, Rng& rng,
                int64_t context = 0);
  std::shared_ptr<const Distribution> base() const override;
  int64_t width() const override { return placing_.width(); }
  Variable push(const Variable& z, const Tensor& context = {}) const override {
    return placing_.push(map_->push(z, context), context);
  }
  /// By change of variables; throws where the family's map has no log-determinant.
  Variable log_density(const Variable& code, const Tensor& context = {}) const override;
  Tensor encode(const Tensor& code, const Tensor& context = {}) const override {
    return map_->encode(placing_.encode(code, context), context);
  }
  /// The family's own loss on the whitened codes, and the negative log-density of what whitens them.
  Variable loss(const Tensor& code, Rng& rng, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) {
    visit("map", self.map_);
    visit("placing", self.placing_);
  }

 private:
  std::unique_ptr<Transform> map_;
  std::unique_ptr<Objective> objective_;
  GaussianMixture placing_;
};

}  // namespace pf
