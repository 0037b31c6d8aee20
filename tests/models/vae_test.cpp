// Variational autoencoders where the answers are known: linear ones, quadrature over codes, gradients in closed form.

#include <gtest/gtest.h>

#include <numbers>

#include "models/vae/evidence_bound.h"
#include "nn/gradients.h"
#include "tensor/ops/index.h"
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

// x = W c + b + σ ε with two coordinates of c and three of x, and its exact posterior N(M⁻¹ Wᵀ (x − b), σ² M⁻¹) as the
// encoder: M = Wᵀ W + σ² is not diagonal, so the posterior needs its Cholesky factor. With a condition W and b are what a
// prior and a decoder that are not linear in y make of y.
struct LinearVae {
  Rng rng{1};
  Tensor y;  // the condition of all points
  Vae model;
  Tensor w = tensor({1.2, 0.4, -0.7, 0.9, 0.3, 0.5}, {3, 2}, float64), b = tensor({0.5, -1, 2}, {3}, float64);
  double variance = 0.3;
  Tensor x;

  explicit LinearVae(const Tensor& condition = {})
      : y(condition),
        model(3,
              {.latent = 2,
               .hidden = 8,
               .depth = 0,
               .posterior = PosteriorKind::full,
               .context = condition.defined() ? condition.size(1) : 0},
              rng) {
    if (y.defined()) {
      for (Field& field : fields_of(model))
        *field.parameter = Variable(cast(field.value() + rng.normal(field.value().shape()) * 0.4, float64));
      b = squeeze(model.decode(Variable(zeros({1, 2}, float64)), y).value(), 0);
      w = transpose(model.decode(Variable(eye(2, float64)), y).value() - b);
    } else {
      set_field(model, "decoder.layers.0.weight", w);
      set_field(model, "decoder.layers.0.bias", b);
    }
    const Tensor m = matmul(transpose(w), w) + eye(2, float64) * variance;
    const Tensor gain = matmul(inverse(m), transpose(w));  // [2, 3]
    const Tensor l = cholesky(inverse(m) * variance);
    set_field(model, "head.log_noise", full({3}, 0.5 * std::log(variance), float64));
    const Tensor shift = -squeeze(matmul(gain, unsqueeze(b, -1)), -1);
    Tensor encoder = concat(std::vector{gain, zeros({6, 3}, float64)}, 0);
    if (y.defined()) encoder = concat(std::vector{encoder, zeros({8, y.size(1)}, float64)}, 1);
    set_field(model, "encoder.layers.0.weight", encoder);
    set_field(model, "encoder.layers.0.bias",
              concat(std::vector{shift, log(diagonal(l)), reshape(l, {4})}, 0));  // the triangle above is not read
    x = model.push(Variable(model.base().sample(40, rng, float64)), y).value();
  }

  /// log N(x; b, W Wᵀ + σ²)
  Tensor exact() const {
    const Tensor l = cholesky(matmul(w, transpose(w)) + eye(3, float64) * variance);
    const Tensor white = solve_triangular(l, transpose(x - b));
    return sum(square(white), 0) * -0.5 - sum(log(diagonal(l))).item() - 1.5 * std::log(2 * std::numbers::pi);
  }
  Tensor gradient_of_encoder(const BoundSettings& settings, uint64_t seed) {
    Rng fixed(seed);
    const EvidenceBound objective(model, settings);
    return value_and_grad(
               model, [&] { return objective.loss(x, fixed); }, "encoder.layers.0.bias")
        .gradients.list[0];
  }
};

TEST(Vae, WithTheExactPosteriorEveryBoundIsTheDensity) {
  LinearVae vae;
  for (int64_t k : {1, 6})
    EXPECT_LT(largest(vae.model.importance_bound(vae.x, k, vae.rng).value() - vae.exact()), 1e-9);
  double elbo = 0;
  for (int i = 0; i < 300; ++i) elbo -= EvidenceBound(vae.model).loss(vae.x, vae.rng).item() / 300;
  EXPECT_NEAR(elbo, mean(vae.exact()).item(), 0.03);
}

TEST(Vae, GivenAConditionEveryBoundIsTheDensityGivenIt) {
  LinearVae vae(tensor({0.7, -1.2}, {1, 2}, float64));
  EXPECT_LT(largest(vae.model.importance_bound(vae.x, 5, vae.rng, vae.y).value() - vae.exact()), 1e-9);
  const int64_t n = 20000;
  const Tensor samples = vae.model.push(Variable(vae.model.base().sample(n, vae.rng, float64)), vae.y).value();
  EXPECT_LT(largest((mean(samples, 0) - vae.b) / sqrt(var(samples, 0) * (1.0 / double(n)))), 5);
  const Tensor z = vae.model.encode(vae.x, vae.y);
  EXPECT_LT(largest(vae.model.push(Variable(z), vae.y).value() - vae.x), 1e-12);
}

TEST(Vae, MoreSamplesBringTheBoundUpToTheDensityAndNotBeyond) {
  LinearVae vae;
  const Tensor wrong = tensor({0.4, -0.3, 0.5, 0.3, 0, 0, 0.4, 0}, {8}, float64);
  for (Field& field : fields_of(vae.model))
    if (field.path == "encoder.layers.0.bias") *field.parameter = Variable(field.value() + wrong);
  const double truth = mean(vae.exact()).item();
  double last = -INFINITY;
  for (int64_t k : {1, 8, 64, 1000}) {
    double bound = 0;
    const int repeats = int(6000 / k) + 1;
    for (int i = 0; i < repeats; ++i) bound += mean(vae.model.importance_bound(vae.x, k, vae.rng)).item() / repeats;
    EXPECT_LT(bound, truth + 0.01) << k;
    EXPECT_GT(bound, last) << k;
    last = bound;
  }
  EXPECT_NEAR(last, truth, 0.01);
}

// At the exact posterior all weights are equal, whatever was drawn: nothing is left to follow, and the doubly
// reparameterised gradient says so for every draw. The plain one is zero on average only.
TEST(Vae, TheDoublyReparameterisedGradientVanishesAtTheExactPosterior) {
  LinearVae vae;
  for (int64_t k : {1, 5}) {
    EXPECT_LT(largest(vae.gradient_of_encoder({.samples = k, .doubly_reparameterized = true}, 2)), 1e-9);
    EXPECT_GT(largest(vae.gradient_of_encoder({.samples = k}, 2)), 1e-3);
  }
}

TEST(Vae, BothGradientsAgreeOnAverageAndOneHasLessNoise) {
  LinearVae vae;
  const Tensor wrong = tensor({0.4, -0.3, 0.3, 0.2, 0, 0, 0.2, 0}, {8}, float64);
  for (Field& field : fields_of(vae.model))
    if (field.path == "encoder.layers.0.bias") *field.parameter = Variable(field.value() + wrong);
  const int64_t repeats = 1500;
  Tensor means[2], variances[2];
  for (bool doubly : {false, true}) {
    std::vector<Tensor> all;
    for (int64_t i = 0; i < repeats; ++i)
      all.push_back(vae.gradient_of_encoder({.samples = 8, .doubly_reparameterized = doubly}, 100 + uint64_t(i)));
    means[doubly] = mean(stack(all, 0), 0);
    variances[doubly] = var(stack(all, 0), 0);
  }
  const Tensor error = sqrt((variances[0] + variances[1]) * (1.0 / double(repeats)));
  EXPECT_LT(largest((means[0] - means[1]) / (error + 1e-12)), 5);
  EXPECT_LT(sum(variances[1]).item(), 0.5 * sum(variances[0]).item());
}

// The decoder's gradient and the value are the plain bound's own, for the same draws.
TEST(Vae, DoubleReparameterisationConcernsTheEncoderOnly) {
  LinearVae vae;
  Rng start(5);
  for (Field& field : fields_of(vae.model))
    *field.parameter = Variable(field.value() + start.normal(field.value().shape(), float64) * 0.2);
  LossAndGradients found[2];
  for (bool doubly : {false, true}) {
    Rng fixed(6);
    const EvidenceBound objective(vae.model, {.samples = 4, .doubly_reparameterized = doubly});
    found[doubly] = value_and_grad(
        vae.model, [&] { return objective.loss(vae.x, fixed); }, "decoder");
  }
  EXPECT_NEAR(found[0].loss.item(), found[1].loss.item(), 1e-12);
  for (size_t i = 0; i < found[0].gradients.list.size(); ++i)
    EXPECT_LT(largest(found[0].gradients.list[i] - found[1].gradients.list[i]), 1e-10);
}

// KL(q ‖ N(0, I)) by coordinates: its sum is the closed form ½ (tr Σ + mᵀ m − d − log det Σ), and the mean of log q/p.
TEST(Vae, TheKlOfAFullPosteriorIsKnown) {
  Rng rng(7);
  const int64_t d = 3, n = 40000;
  const Tensor encoded = rng.normal({1, Posterior::encoded_width(d, true)}, float64) * 0.5;
  const Posterior one = Posterior::from(Variable(encoded), d, true);
  const Tensor l = inverse(pick(one.whitening().value(), 0, 0)), covariance = matmul(l, transpose(l));
  const double expected = 0.5 * (trace(covariance).item() + sum(square(one.mean.value())).item() - double(d) -
                                 slogdet(covariance).log_abs.item());
  EXPECT_NEAR(sum(one.kl_to_normal()).item(), expected, 1e-10);
  EXPECT_GE(min(one.kl_to_normal().value()).item(), 0);
  const Posterior many = Posterior::from(Variable(contiguous(expand(encoded, {n, encoded.size(1)}))), d, true);
  const Variable code = many.sample(rng.normal({n, d}, float64));
  const Tensor ratio = (many.log_density(code) - Normal(d).log_density(code)).value();
  EXPECT_NEAR(mean(ratio).item(), expected, 5 * std::sqrt(var(ratio).item() / double(n)));
}

// An encoder that says N(m, s²) whatever it sees: coordinate 0 is told 2 nats, coordinate 1 none.
TEST(Vae, FreeBitsPayForWhatIsBelowThem) {
  Rng rng(8);
  Vae model(2, {.latent = 2, .depth = 0}, rng);
  for (Field& field : fields_of(model)) *field.parameter = Variable(cast(field.value(), float64));
  set_field(model, "encoder.layers.0.weight", zeros({4, 2}));
  set_field(model, "encoder.layers.0.bias", tensor({2, 0, 0, 0}));
  const Tensor x = rng.normal({10, 2}, float64);
  const auto loss = [&](double free) {
    Rng fixed(9);
    return EvidenceBound(model, {.free_bits = free}).loss(x, fixed).item();
  };
  EXPECT_NEAR(loss(0.5) - loss(0), 0.5, 1e-12);
  EXPECT_NEAR(loss(3) - loss(0), 1 + 3, 1e-12);
}

TEST(Vae, InTheWarmUpTheKlTermCountsLess) {
  Rng rng(8);
  Vae model(2, {.latent = 2, .depth = 0}, rng);
  for (Field& field : fields_of(model)) *field.parameter = Variable(cast(field.value(), float64));
  set_field(model, "encoder.layers.0.weight", zeros({4, 2}));
  set_field(model, "encoder.layers.0.bias", tensor({2, 0, 0, 0}));  // 2 nats
  const Tensor x = rng.normal({10, 2}, float64);
  EvidenceBound warming(model, {.beta = 3, .warm_up = 0.4});
  const auto loss = [&](const EvidenceBound& objective) {
    Rng fixed(9);
    return objective.loss(x, fixed).item();
  };
  const double whole = loss(EvidenceBound(model, {.beta = 3})), none = loss(EvidenceBound(model, {.beta = 0}));
  EXPECT_NEAR(whole - none, 3 * 2, 1e-12);
  for (const auto& [part, share] : {std::pair{0.0, 0.1}, {0.2, 0.55}, {0.4, 1.0}, {0.9, 1.0}}) {
    warming.set_progress(part);
    EXPECT_NEAR(loss(warming) - none, share * 6, 1e-12) << part;
  }
  EXPECT_EQ(warming.changing_numbers().size(), 1u);
}

class LearnedPrior : public ::testing::TestWithParam<PriorKind> {};
INSTANTIATE_TEST_SUITE_P(Vae, LearnedPrior, ::testing::Values(PriorKind::mixture, PriorKind::vamp, PriorKind::flow));

TEST_P(LearnedPrior, TheBoundReachesTheDensityFromBelowAndSamplesHaveItsMean) {
  Rng rng(10);
  Vae vae(2,
          {.latent = 2,
           .hidden = 8,
           .importance_samples = 2000,
           .prior = GetParam(),
           .components = 3,
           .flow = {.layers = 2, .hidden = 8},
           .posterior = PosteriorKind::full},
          rng);
  // A decoder that bends, wide noise, and a posterior that is wide and knows little: wrong, but not hopeless.
  for (Field& field : fields_of(vae)) {
    if (!field.parameter) continue;
    const double factor = field.path.starts_with("encoder") ? 0.3 : field.path.starts_with("head.log_noise") ? 0 : 1;
    const double shake = field.path.starts_with("prior") ? 0.1 : 0;
    *field.parameter =
        Variable(cast(field.value(), float64) * factor + rng.normal(field.value().shape(), float64) * shake);
  }
  const int64_t n = 40000;
  const Tensor samples = vae.push(Variable(vae.base().sample(n, rng, float64))).value();
  const Tensor x = slice(samples, 0, 0, 12);
  const Quadrature exact(vae, x);
  EXPECT_NEAR(exact.mass.item(), 1, 2e-3);
  const Tensor error = sqrt(var(samples, 0) * (1.0 / double(n)));
  EXPECT_LT(largest((mean(samples, 0) - exact.mean) / error), 5);
  const double truth = mean(exact.log_density).item();
  double last = -INFINITY;
  for (int64_t k : {1, 10, 200}) {
    const int64_t repeats = 4000 / k;
    std::vector<Tensor> bounds;
    for (int64_t i = 0; i < repeats; ++i) bounds.push_back(mean(vae.importance_bound(x, k, rng)).value());
    const Tensor all = stack(bounds, 0);
    const double bound = mean(all).item(), uncertain = std::sqrt(var(all).item() / double(repeats));
    EXPECT_LT(bound, truth + 5 * uncertain) << k;
    EXPECT_GT(bound, last) << k;
    last = bound;
  }
  EXPECT_NEAR(mean(vae.log_density(x, rng).value).item(), truth, 0.1);
}

TEST(Vae, ABoundWithoutKlTermTakesNoWeightForOne) {
  Rng rng(11);
  const Vae model(2, {.hidden = 8}, rng);
  EXPECT_TRUE(contains(error_of([&] { EvidenceBound(model, {.beta = 2, .samples = 5}); }),
                       "beta 2 and free bits 0 weigh a KL term, which this bound has not; set train-samples=1"));
}

}  // namespace
}  // namespace pf
