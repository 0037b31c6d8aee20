// Any family on the codes of an autoencoder or as the prior of a variational one: which words name one, and that what is fitted
// apart from the bound has the law of the codes.

#include "models/autoencoder/family_density.h"

#include <cmath>

#include "models/train.h"
#include "models/vae/vae.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/reduce.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

Built build(const std::string& name, const std::vector<std::string>& assignments) {
  Settings settings(name, family(name).settings);
  for (const std::string& a : assignments) settings.set(a);
  Rng rng(1);
  return family(name).build(settings, {.width = 3}, rng);
}

TEST(FamilyDensity, WordsNameAFamilyAndItsVariant) {
  for (const char* word : {"flow:cnf", "flow:realnvp", "autoregressive:logistic-mixture", "diffusion:vp-cosine",
                           "flow-matching:mean-flow", "gan:mmd", "vae:hierarchical", "autoencoder:rae-l2"}) {
    Rng rng(2);
    for (const auto& [name, key] : {std::pair{"autoencoder", "code-density"}, {"vae", "prior"}}) {
      const Built built = build(name, {join(key, "=", word), "hidden=16", "flow-hidden=8"});
      const Tensor x = built.transform->push(Variable(built.transform->base().sample(9, rng))).value();
      EXPECT_EQ(x.shape(), (Shape{9, 3})) << word;
      EXPECT_TRUE(std::isfinite(built.objective->loss(rng.normal({32, 3}), rng).item())) << word;
    }
  }
  EXPECT_TRUE(
      contains(error_of([] { build("vae", {"prior=flow:nvp"}); }), "flow: variant=nvp: expected one of spline"));
  EXPECT_TRUE(contains(error_of([] { build("vae", {"prior=mixture:maf"}); }), "only families have variants"));
  EXPECT_TRUE(
      contains(error_of([] { build("autoencoder", {"code-density=gaussian:maf"}); }), "only families have variants"));
  EXPECT_EQ(error_of([] { build("vae", {"prior=autoregressive:categorical"}); }),
            "vae: autoregressive with variant=categorical models whole numbers, and codes are real ones; choose "
            "another variant");
  EXPECT_TRUE(contains(error_of([] {
                         build("vae", {"prior=gan", "train-samples=5"});
                       }),
                       "is fitted apart from the bound"));
  EXPECT_TRUE(contains(error_of([] { build("vae", {"likelihood=gaussian:maf"}); }), "expected one of gaussian"));
}

TEST(FamilyDensity, AVaeHasTheDensityThatItsPriorHas) {
  EXPECT_EQ(build("vae", {"prior=flow:maf"}).transform->traits().density, DensityKind::bound);
  const Built fitted = build("vae", {"prior=diffusion", "hidden=16", "flow-hidden=8", "importance-samples=3"});
  EXPECT_EQ(fitted.transform->traits().density, DensityKind::bound);
  Rng draws(4);
  EXPECT_TRUE(all(isfinite(fitted.transform->log_density(draws.normal({3, 3}), draws).value)));
  const Built without = build("vae", {"prior=gan"});
  EXPECT_EQ(without.transform->traits().density, DensityKind::none);
  Rng rng(3);
  EXPECT_EQ(error_of([&] {
              without.transform->log_density(zeros({1, 3}), rng);
            }),
            "vae: the family has no density; compare samples instead (evaluate)");
}

// Codes N((2, −1), diag(4, ¼)) with correlation: what is fitted, with or without an opponent, has their mean and spread.
TEST(FamilyDensity, FitsTheLawOfCodes) {
  const auto codes = [](int64_t n, Rng& rng) {
    const Tensor e = rng.normal({n, 2}), first = slice(e, 1, 0, 1), second = slice(e, 1, 1);
    return concat(std::vector<Tensor>{first * 2.0 + 2.0, first * 0.3 + second * 0.4 - 1.0}, 1);
  };
  for (const char* word : {"gan:non-saturating", "gan:energy", "flow:maf"}) {
    Rng rng(4);
    const FamilyOnCodes on_codes = family_on_codes(word, "16", 2);
    FamilyDensity density("test", family(on_codes.family), on_codes.settings, 2, rng);
    CodeTraining training(&density, true, [](const Tensor& batch, Rng&, const Tensor&) { return batch; });
    const std::vector<Field> parameters = parameters_of(density);
    Adam adam, other;
    for (int step = 0; step < 600; ++step) {
      const Tensor batch = codes(256, rng);
      if (Opponent* opponent = training.opponent()) {
        const std::vector<Field> theirs = parameters_of(*opponent);
        auto [loss, slopes] =
            value_and_grad(std::span<const Field>(theirs), [&] { return opponent->loss(batch, rng); });
        other.update(theirs, slopes, 2e-3);
      }
      auto [loss, slopes] = value_and_grad(std::span<const Field>(parameters), [&] { return density.loss(batch, rng); },
                                           {.allow_unused = true});
      adam.update(parameters, slopes, step < 400 ? 1e-2 : 1e-3);
    }
    const Tensor made = density.push(Variable(density.base()->sample(4000, rng))).value(), real = codes(4000, rng);
    const double wide = std::string(word).starts_with("gan") ? 0.35 : 0.15;
    EXPECT_LT(max(abs(mean(made, 0) - mean(real, 0))).item(), wide) << word;
    EXPECT_LT(max(abs(sqrt(var(made, 0)) - sqrt(var(real, 0)))).item(), wide) << word;
    EXPECT_EQ(training.opponent() != nullptr, std::string(word) == "gan:non-saturating");
  }
}

}  // namespace
}  // namespace pf
