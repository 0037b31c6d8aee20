// Every kind of density that a model says it has can be had, on the scale of its data, and kinds that say the same agree.

#include "models/density.h"

#include <cmath>

#include "models/vae/vae.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/softmax.h"
#include "tests/models/instances.h"
#include "tests/models/lattice.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

Model small_model(const std::string& family, const std::vector<std::string>& assignments, const Dataset& data) {
  ModelConfig config = ModelConfig::make(family, data, 5);
  for (const std::string& a : assignments) config.settings.set(a);
  return Model(config, data.train);
}

Dataset moons() {
  Rng rng(1);
  return {.name = "moons", .train = sample_2d("moons", 1000, rng), .test = sample_2d("moons", 50, rng)};
}

TEST(Density, OfAFlowIsTheSameOnItsImage) {
  const Dataset data = moons();
  const Model model = small_model("flow", {"variant=realnvp", "layers=2", "hidden=8"}, data);
  EXPECT_EQ(density_kinds(model),
            (std::vector<DensityKind>{DensityKind::exact, DensityKind::injective, DensityKind::ais}));
  Rng rng(2);
  const Tensor exact = log_density(model, DensityKind::exact, data.test, rng).value;
  const LogDensity on_image = log_density(model, DensityKind::injective, data.test, rng);
  EXPECT_EQ(on_image.kind, DensityKind::injective);
  EXPECT_LT(max(abs(on_image.value - exact)).item(), 1e-3);
  // With noise of 0.3 deviations it is the density's mean around the point.
  const int64_t n = 5;
  const DensityOptions options{.annealing = {.chains = 16, .distributions = 300}, .noise = 0.3};
  const Tensor rows = slice(data.test, 0, 0, n), inside = model.normalise(rows, rng);
  const LogDensity noisy = log_density(model, DensityKind::ais, rows, rng, options);
  const Tensor around = cast(normal_lattice(), float32) * 0.3;
  double off = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Tensor log_p = cast(model.inner().log_density(slice(inside, 0, i, i + 1) + around, rng).value, float64);
    const double known = logsumexp(log_p, 0).item() - std::log(double(around.size(0))) - model.log_scale();
    EXPECT_NEAR(noisy.value.at({i}), known, 0.3) << i;
    off += (noisy.value.at({i}) - known) / double(n);
  }
  EXPECT_NEAR(off, 0, 0.1);
  EXPECT_TRUE(contains(noisy.note, "16 chains through 300 distributions, of samples with noise of 0.3 deviations"));
}

// Annealed importance sampling of a variational autoencoder is the integral over its codes, whatever its prior, also where an
// untrained encoder is of no use to a bound.
TEST(Density, OfAVariationalAutoencoderIsTheIntegralOverCodes) {
  const Dataset data = moons();
  constexpr int64_t cells = 201, n = 5;
  const double size = 24, h = size / double(cells - 1);
  std::vector<double> places;
  for (int64_t i = 0; i < cells * cells; ++i) {
    places.push_back(double(i / cells) * h - size / 2);
    places.push_back(double(i % cells) * h - size / 2);
  }
  const Variable codes(tensor(places, {cells * cells, 2}));
  for (const char* prior : {"prior=normal", "prior=mixture"}) {
    const Model model = small_model("vae", {prior, "hidden=16", "waves=0", "warm-up=0"}, data);
    Rng rng(3);
    const Tensor rows = slice(data.test, 0, 0, n), x = model.normalise(rows, rng);
    const DensityOptions options{.annealing = {.chains = 16, .distributions = 300}};
    const Tensor found = log_density(model, DensityKind::ais, rows, rng, options).value;
    const Vae& vae = dynamic_cast<const Vae&>(model.inner());
    double off = 0;
    const Variable decoded = vae.decode(codes), log_prior = vae.log_prior(codes);
    for (int64_t i = 0; i < n; ++i) {
      const Tensor one = contiguous(expand(slice(x, 0, i, i + 1), {cells * cells, 2}));
      const Tensor joint = cast((vae.log_likelihood(Variable(one), decoded) + log_prior).value(), float64);
      const double known = logsumexp(joint, 0).item() + 2 * std::log(h) - model.log_scale();
      EXPECT_NEAR(found.at({i}), known, 0.4) << prior << " row " << i;
      off += (found.at({i}) - known) / double(n);
    }
    EXPECT_NEAR(off, 0, 0.1) << prior;
  }
}

TEST(Density, EveryKindThatIsOfferedCanBeHad) {
  const DensityOptions quick{.annealing = {.chains = 2, .distributions = 3, .moves = {.leapfrogs = 2}}};
  for (const char* family : {"autoencoder", "vae", "gan", "flow", "autoregressive"}) {
    const Dataset data = moons();
    const Model model = small_model(family, {"hidden=8"}, data);
    for (DensityKind kind : density_kinds(model)) {
      Rng rng(4);
      const LogDensity found = log_density(model, kind, slice(data.test, 0, 0, 3), rng, quick);
      EXPECT_EQ(found.value.shape(), Shape{3}) << family;
      EXPECT_TRUE(std::isfinite(sum(found.value).item())) << family << " " << name_of(kind);
      EXPECT_EQ(found.kind, kind) << family;
      EXPECT_FALSE(found.note.empty()) << family;
      EXPECT_EQ(parse_density_kind(model, name_of(kind)), kind);
    }
  }
}

TEST(Density, WhatIsNotThereIsSaidWithWhatIs) {
  const Dataset data = moons();
  const Model gan = small_model("gan", {"hidden=8"}, data);
  EXPECT_TRUE(contains(error_of([&] { parse_density_kind(gan, ""); }),
                       "gan: the family has no density; compare samples instead (evaluate), or ask for another kind: "
                       "--density injective or ais"));
  EXPECT_EQ(error_of([&] { parse_density_kind(gan, "exact"); }),
            "--density exact: gan with these settings has only injective, ais");
  const Model wide = small_model("gan", {"hidden=8", "latent=4"}, data);
  EXPECT_EQ(error_of([&] { parse_density_kind(wide, "injective"); }),
            "--density injective: gan with these settings has only ais");
}

}  // namespace
}  // namespace pf
