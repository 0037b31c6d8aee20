#pragma once
// Any family as the density of codes: latent diffusion (Rombach et al. 2022, arXiv 2112.10752) is an autoencoder with a diffusion
// model on its codes, and every other family can stand there as well.
//
//   c = m + A⁻¹ T(z)      T the family's map, trained by its own objective on the codes that m and A have whitened
//
// A family without a density (a GAN) stands there as well, where samples are all that is asked for.

#include "models/autoencoder/code_density.h"
#include "models/family.h"

namespace pf {

class FamilyDensity final : public Implements<FamilyDensity, CodeDensity> {
 public:
  /// A family with its default settings, apart from those in `settings` ("key=value"). owner: whose codes these are, for errors.
  /// Throws where the family models whole numbers, or takes no condition and there is one.
  FamilyDensity(const char* owner, const Family& family, const std::vector<std::string>& settings, int64_t width,
                Rng& rng, int64_t context = 0);
  std::shared_ptr<const Distribution> base() const override;
  int64_t width() const override { return placing_.width(); }
  Variable push(const Variable& z, const Tensor& context = {}) const override {
    return placing_.push(map_->push(z, context), context);
  }
  /// By change of variables; throws where the family's map has no log-determinant.
  bool has_density() const override;
  bool has_exact_density() const override;
  Variable log_density(const Variable& code, const Tensor& context = {}) const override;
  Tensor encode(const Tensor& code, const Tensor& context = {}) const override {
    return map_->encode(placing_.encode(code, context), context);
  }
  /// The family's own loss on the whitened codes, and the negative log-density of what whitens them.
  Variable loss(const Tensor& code, Rng& rng, const Tensor& context = {}) const override;
  Objective* objective() const override { return objective_.get(); }
  /// Whitened.
  Tensor prepared(const Tensor& code, const Tensor& context) const override;

  static void fields(auto& self, auto&& visit) {
    visit("map", self.map_);
    visit("placing", self.placing_);
  }

 private:
  std::unique_ptr<Transform> map_;
  std::unique_ptr<Objective> objective_;
  GaussianMixture placing_;
};

/// The family that a word names: "flow", or "flow:maf" with its variant. Its settings for codes of `latent` numbers: small hidden
/// layers, fixed steps of a solver, and as many coordinates of noise or code as codes have.
struct FamilyOnCodes {
  std::string family;
  std::vector<std::string> settings;
};
FamilyOnCodes family_on_codes(const std::string& word, const std::string& hidden, int64_t latent);

/// The training of a density of codes inside the training of what has the codes: passes on what an objective is told, and plays
/// its opponent on codes. For the objectives of the models that have such a density.
class CodeTraining {
 public:
  /// The codes of a batch, held still.
  using Codes = std::function<Tensor(const Tensor& batch, Rng& rng, const Tensor& context)>;
  /// density: may be null. It refers to it. conditional: the density takes the condition of the model, or knows of none.
  CodeTraining(const CodeDensity* density, bool conditional, Codes codes);

  Opponent* opponent() { return player_ ? &*player_ : nullptr; }
  int64_t stages() const { return objective_ ? objective_->stages() : 1; }
  void begin_stage(int64_t stage) {
    if (objective_) objective_->begin_stage(stage);
  }
  void set_progress(double part) {
    if (objective_) objective_->set_progress(part);
  }
  std::vector<Tensor> changing_numbers() const {
    return objective_ ? objective_->changing_numbers() : std::vector<Tensor>();
  }
  void after_step(const Tensor& batch, Rng& rng, const Tensor& context);

 private:
  struct Player final : Opponent {
    Opponent& inner;
    const CodeDensity& density;
    bool conditional;
    Codes codes;
    Player(Opponent& o, const CodeDensity& d, bool given, Codes c)
        : inner(o), density(d), conditional(given), codes(std::move(c)) {}
    void visit_fields(const std::string& name, FieldVisitor& visitor) override { inner.visit_fields(name, visitor); }
    void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const override {
      std::as_const(inner).visit_fields(name, visitor);
    }
    Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override {
      const Tensor given = conditional ? context : Tensor();
      return inner.loss(density.prepared(codes(batch, rng, context), given), rng, given);
    }
    int64_t steps() const override { return inner.steps(); }
  };
  const CodeDensity* density_;
  bool conditional_;
  Codes codes_;
  Objective* objective_;
  std::optional<Player> player_;
};

}  // namespace pf
