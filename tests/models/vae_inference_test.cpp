// Posteriors that are not normal: densities by change of variables, bounds that come closer, codes of two levels.

#include <numbers>

#include "models/vae/evidence_bound.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/linalg.h"
#include "tests/models/vae_toys.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::largest;
using testing::Quadrature;
using testing::set_field;
using testing::shake;

VaeSettings settings_of(const std::string& name) {
  VaeSettings s{.hidden = 8, .flow = {.hidden = 8}, .posterior_layers = 3};
  if (name == "full") s.posterior = PosteriorKind::full;
  if (name == "planar") s.posterior = PosteriorKind::planar;
  if (name == "iaf") s.posterior = PosteriorKind::iaf;
  if (name == "levels") {
    s.latent = 1;
    s.levels = 2;
  }
  return s;
}

class EveryPosterior : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(VaeInference, EveryPosterior,
                         ::testing::Values("diagonal", "full", "planar", "iaf", "levels"));

// log q(c|x) + log|det ∂c/∂ε| = log N(ε; 0, I), the derivatives by differences.
TEST_P(EveryPosterior, TheDensityOfACodeIsThatOfItsNoise) {
  Rng rng(31);
  Vae vae(3, settings_of(GetParam()), rng);
  shake(vae, 1, 0.1, rng);
  const Encoded from = vae.encoded(Variable(rng.normal({20, 3}, float64)));
  const Tensor noise = rng.normal({20, 2}, float64);
  const double h = 1e-5;
  std::vector<Tensor> columns;
  for (int64_t j = 0; j < 2; ++j) {
    const Tensor step = slice(eye(2, float64), 0, j, j + 1) * h;
    columns.push_back((vae.draw(from, noise + step).code - vae.draw(from, noise - step).code).value() * (0.5 / h));
  }
  const Tensor of_noise = Normal(2).log_density(Variable(noise)).value();
  const Tensor log_q = vae.draw(from, noise).log_density.value();
  EXPECT_LT(largest(log_q + slogdet(stack(columns, 2)).log_abs - of_noise), 1e-6);
}

TEST_P(EveryPosterior, AKlInClosedFormIsTheMeanOfTheLogRatio) {
  Rng rng(32);
  Vae vae(2, settings_of(GetParam()), rng);
  shake(vae, 1, 0.3, rng);
  const int64_t n = 20000;
  const Encoded from = vae.encoded(Variable(contiguous(expand(tensor({0.4, -1}, {1, 2}, float64), {n, 2}))));
  const DrawnCode drawn = vae.draw(from, rng.normal({n, 2}, float64));
  if (!drawn.kl.defined()) return;
  const Tensor difference = (drawn.log_density - vae.log_prior(drawn.code) - sum(drawn.kl, -1)).value();
  EXPECT_NEAR(mean(difference).item(), 0, 5 * std::sqrt(var(difference).item() / double(n)));
  EXPECT_GE(min(drawn.kl.value()).item(), 0);
}

// One decoder, whose true posterior is bent, and encoders that are trained for it alone. All bounds stay below the density;
// flows come closer to it than the normal distribution from which they start.
TEST(VaeInference, AFlowBringsTheBoundCloserToTheDensity) {
  double gap[3];
  int at = 0;
  for (const char* kind : {"diagonal", "planar", "iaf"}) {
    Rng rng(33);
    VaeSettings settings = settings_of(kind);
    settings.depth = 1;
    settings.hidden = 24;
    settings.flow.hidden = 24;
    settings.posterior_layers = 6;
    Vae vae(1, settings, rng);
    // x = |c_1 + c_2| or so: two ways to every x.
    Rng decoder(34);
    for (Field& field : fields_of(vae)) {
      const Shape& shape = field.value().shape();
      if (field.path == "decoder.layers.0.weight") {
        *field.parameter = Variable(concat({full({12, 2}, 1.5), full({12, 2}, -1.5)}, 0));
      }
      if (field.path == "decoder.layers.1.weight") *field.parameter = Variable(full(shape, 1.0 / 12));
      if (field.path == "decoder.layers.1.bias") *field.parameter = Variable(full(shape, -1.0));
    }
    const Tensor rows = reshape(linspace(-0.6, 1.5, 16), {16, 1});
    std::vector<Field> parameters = parameters_of(vae, "encoder");
    for (const Field& field : fields_of(vae))
      if (field.path.starts_with("inference") && field.parameter) parameters.push_back(field);
    const EvidenceBound objective(vae);
    const Tensor batch = tile(rows, 4, 0);
    Adam adam;
    for (int step = 0; step < 1200; ++step) {
      auto [loss, gradients] =
          value_and_grad(std::span<const Field>(parameters), [&] { return objective.loss(batch, rng); });
      adam.update(parameters, gradients, step < 900 ? 1e-2 : 1e-3);
    }
    shake(vae, 1, 0, rng);
    const Tensor exact = Quadrature(vae, cast(rows, float64), 160, 12).log_density;
    std::vector<Tensor> bounds;
    for (int i = 0; i < 200; ++i) bounds.push_back(vae.importance_bound(cast(rows, float64), 1, rng).value());
    const Tensor all = stack(bounds, 0), error = sqrt(var(all, 0) * (1.0 / 200));
    EXPECT_GT(min(exact - mean(all, 0) + error * 5.0).item(), 0) << kind;
    gap[at++] = mean(exact - mean(all, 0)).item();
  }
  EXPECT_LT(gap[1], 0.8 * gap[0]);
  EXPECT_LT(gap[2], 0.8 * gap[0]);
  RecordProperty("gaps", join(gap[0], " ", gap[1], " ", gap[2]));
  if (::testing::Test::HasFailure()) ADD_FAILURE() << gap[0] << ' ' << gap[1] << ' ' << gap[2];
}

// x = w₁ z₁ + w₂ z₂ + b + σ ε with z₁ = c₁ and z₂ = m(c₁) + s c₂, all linear: the exact posterior q(c₁|x) q(c₂|c₁, x) is
// normal, and with it every draw's bound is the density. A linear function passes a hidden layer as silu(a) − silu(−a) = a.
TEST(VaeInference, TwoLevelsWithTheExactPosteriorGiveTheDensity) {
  Rng rng(35);
  Vae vae(3, {.latent = 1, .levels = 2, .hidden = 2, .depth = 0}, rng);
  shake(vae, 1, 0.3, rng);
  const double variance = 0.2;
  set_field(vae, "head.log_noise", full({3}, 0.5 * std::log(variance)));
  set_field(vae, "placing.0.layers.0.weight", tensor({0.8, -0.8}, {2, 1}));
  set_field(vae, "placing.0.layers.0.bias", zeros({2}));
  set_field(vae, "placing.0.layers.1.weight", tensor({1, -1, 0, 0}, {2, 2}));
  set_field(vae, "placing.0.layers.1.bias", tensor({0.3, -0.4}));
  const Tensor b = squeeze(vae.decode(Variable(zeros({1, 2}, float64))).value(), 0);
  const Tensor w = transpose(vae.decode(Variable(eye(2, float64))).value() - b);  // [3, 2]
  const Tensor precision = eye(2, float64) + matmul(transpose(w), w) * (1 / variance), covariance = inverse(precision);
  const Tensor gain = matmul(covariance, transpose(w)) * (1 / variance);  // the posterior's mean is gain (x − b)
  const double ratio = -precision.at({1, 0}) / precision.at({1, 1});      // of c₂'s mean to c₁'s deviation
  const Tensor row_1 = slice(gain, 0, 0, 1), row_2 = slice(gain, 0, 1, 2) - row_1 * ratio;
  const auto shift = [&](const Tensor& row) { return -sum(row * unsqueeze(b, 0)).item(); };
  // The encoder's outputs: mean and log-deviation of c₁, and what c₂'s mean is without c₁ as the first of two features.
  set_field(vae, "encoder.layers.0.weight", concat({row_1, zeros({1, 3}, float64), row_2, zeros({1, 3}, float64)}, 0));
  set_field(vae, "encoder.layers.0.bias",
            tensor({shift(row_1), 0.5 * std::log(covariance.at({0, 0})), shift(row_2), 0.0}));
  set_field(vae, "inference.below.0.layers.0.weight", tensor({1, 0, ratio, -1, 0, -ratio}, {2, 3}));
  set_field(vae, "inference.below.0.layers.0.bias", zeros({2}));
  set_field(vae, "inference.below.0.layers.1.weight", tensor({1, -1, 0, 0}, {2, 2}));
  set_field(vae, "inference.below.0.layers.1.bias", tensor({0.0, -0.5 * std::log(precision.at({1, 1}))}));

  const Tensor x = vae.push(Variable(vae.base().sample(50, rng, float64))).value();
  const Tensor l = cholesky(matmul(w, transpose(w)) + eye(3, float64) * variance);
  const Tensor white = solve_triangular(l, transpose(x - b));
  const Tensor exact =
      sum(square(white), 0) * -0.5 - sum(log(diagonal(l))).item() - 1.5 * std::log(2 * std::numbers::pi);
  EXPECT_LT(largest(vae.importance_bound(x, 1, rng).value() - exact), 1e-6);
  EXPECT_LT(largest(vae.importance_bound(x, 4, rng).value() - exact), 1e-6);

  // What training says of it: a KL for each level, which add up.
  double levels = 0, total = 0, active = 0;
  for (const VitalSign& sign : EvidenceBound(vae).vital_signs(x, rng)) {
    if (sign.name.starts_with("KL of level")) levels += sign.value;
    if (sign.name.starts_with("KL to the prior")) total = sign.value;
    if (sign.name.starts_with("active")) active = sign.value;
  }
  EXPECT_EQ(active, 2);
  EXPECT_GT(total, 0.5);
  EXPECT_NEAR(levels, total, 1e-9);
}

TEST(VaeInference, ACollapsedPosteriorIsNamed) {
  Rng rng(36);
  Vae vae(2, {.latent = 16, .hidden = 8}, rng);
  shake(vae, 1, 0, rng);
  Tensor last = zeros({32, 8});
  set_field(vae, "encoder.layers.2.weight", last);
  const auto signs = EvidenceBound(vae).vital_signs(rng.normal({100, 2}, float64), rng);
  EXPECT_EQ(signs[0].warning, "posterior collapse: 0 of 16 units");
  EXPECT_EQ(signs[0].value, 0);
}

TEST(VaeInference, ALevelThatSaysNothingIsNamed) {
  Rng rng(38);
  Vae vae(2, {.latent = 1, .levels = 2, .hidden = 8}, rng);
  shake(vae, 1, 0, rng);
  set_field(vae, "inference.below.0.layers.1.weight", zeros({2, 8}));
  const auto signs = EvidenceBound(vae).vital_signs(rng.normal({100, 2}, float64), rng);
  ASSERT_EQ(signs[2].name, "KL of level 2 (nats)");
  EXPECT_EQ(signs[2].value, 0);
  EXPECT_EQ(signs[2].warning, "posterior collapse: level 2 of 2");
  EXPECT_EQ(signs[1].warning, "");
}

TEST(VaeInference, WhatNeedsADensityAtAnyCodeSaysSo) {
  Rng rng(37);
  const char* told = "set posterior=diagonal or posterior=full, and no levels";
  EXPECT_TRUE(
      contains(error_of([&] { Vae(2, {.prior = PriorKind::vamp, .posterior = PosteriorKind::iaf}, rng); }), told));
  const Vae planar(2, {.hidden = 8, .posterior = PosteriorKind::planar}, rng);
  EXPECT_TRUE(contains(error_of([&] { EvidenceBound(planar, {.doubly_reparameterized = true}); }), told));
  EXPECT_TRUE(contains(error_of([&] { Vae(2, {.levels = 2, .posterior = PosteriorKind::full}, rng); }),
                       "2 levels of codes have a diagonal posterior each; set posterior=diagonal"));
}

}  // namespace
}  // namespace pf
