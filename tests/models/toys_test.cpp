// Models whose answers are known in closed form: linear velocity fields and Gaussians, linear decoders, compositions.

#include <cmath>
#include <numbers>

#include "autograd/functional.h"
#include "models/flow/coupling.h"
#include "models/flow_matching/flow_matching.h"
#include "models/vae/evidence_bound.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tests/models/set_field.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::set_field;

double matching_loss(const FlowMatching& model, Pairing pairing, Rng& rng) {
  double sum = 0;
  const VelocityMatching objective(model, pairing);
  for (int i = 0; i < 150; ++i) sum += objective.loss(rng.normal({128, 1}) + 3.0, rng).item() / 150;
  return sum;
}

// The least loss between N(0, 1) and N(m, 1) is ∫ 1/σ_t² dt = π/2 with independent pairs: what is left is not error but the
// spread of the paths through a point. Optimal pairs on a line leave nothing.
TEST(Toys, FlowMatchingReachesTheLeastLoss) {
  for (Pairing pairing : {Pairing::independent, Pairing::optimal}) {
    Rng rng(1);
    FlowMatching model(1, {.hidden = 32, .depth = 2, .frequencies = 0}, rng);
    const VelocityMatching objective(model, pairing);
    const std::vector<Field> parameters = parameters_of(model);
    Adam adam;
    for (int step = 0; step < 600; ++step) {
      auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
        return objective.loss(rng.normal({256, 1}) + 3.0, rng);
      });
      adam.update(parameters, gradients, step < 400 ? 5e-3 : 5e-4);
    }
    const double loss = matching_loss(model, pairing, rng);
    if (pairing == Pairing::independent) {
      EXPECT_GT(loss, std::numbers::pi / 2 - 0.04);
      EXPECT_LT(loss, std::numbers::pi / 2 + 0.06);
    } else {
      EXPECT_LT(loss, 0.05);
      EXPECT_NEAR(model.push(Variable(tensor({-1, 0, 1}, {3, 1}))).value().at({2, 0}), 4, 0.15);
    }
  }
}

/// Flow matching with the field v = A x + b: no hidden layer.
struct LinearFlow {
  Rng rng{2};
  Tensor a = tensor({0.3, -1, 0.8, -0.5}, {2, 2}, float64);
  FlowMatching model;
  explicit LinearFlow(DivergenceKind divergence = DivergenceKind::exact)
      : model(2,
              {.depth = 0,
               .frequencies = 0,
               .sampling = {.tolerance = 1e-10},
               .likelihood = {.tolerance = 1e-10},
               .divergence = divergence},
              rng) {
    set_field(model, "velocity.net.layers.0.weight", concat(std::vector{a, zeros({2, 1}, float64)}, 1));
    set_field(model, "velocity.net.layers.0.bias", zeros({2}, float64));
  }
};

TEST(Toys, ALinearFieldHasTheFlowOfItsMatrixExponential) {
  LinearFlow flow;
  Tensor exponential = eye(2, float64), term = exponential;
  for (int k = 1; k < 30; ++k) {
    term = matmul(term, flow.a) * (1.0 / k);
    exponential = exponential + term;
  }
  const Tensor z = flow.rng.normal({6, 2}, float64), expected = matmul(z, transpose(exponential));
  const Mapped pushed = flow.model.push_with_log_det(Variable(z));
  for (int64_t i = 0; i < 6; ++i) {
    for (int64_t j = 0; j < 2; ++j) EXPECT_NEAR(pushed.value.value().at({i, j}), expected.at({i, j}), 1e-8);
    EXPECT_NEAR(pushed.log_det.value().at({i}), 0.3 - 0.5, 1e-9);  // the trace
  }
}

// One random probe: the right mean, and the known variance 2 Σ_{i≠j} S_ij² with S = (A + Aᵀ)/2 (random signs).
TEST(Toys, HutchinsonsProbeHasItsKnownVariance) {
  LinearFlow flow(DivergenceKind::hutchinson);
  const int64_t n = 40000;
  const Tensor x = flow.rng.normal({n, 2}, float64);
  const auto [value, divergence] = hutchinson_divergence(
      [&](const Variable& v) { return flow.model.velocity()(v, 0.0); }, x, flow.rng.rademacher({n, 2}, float64));
  const double s = 0.5 * (-1 + 0.8), variance = 2 * 2 * s * s;
  EXPECT_NEAR(mean(divergence).item(), -0.2, 5 * std::sqrt(variance / double(n)));
  EXPECT_NEAR(var(divergence).item(), variance, 0.02 * variance);
  // Normal probes: 2 ‖S‖².
  const Tensor normal = hutchinson_divergence([&](const Variable& v) { return flow.model.velocity()(v, 0.0); }, x,
                                              flow.rng.normal({n, 2}, float64))
                            .divergence;
  const double wider = 2 * (0.3 * 0.3 + 0.5 * 0.5 + 2 * s * s);
  EXPECT_NEAR(mean(normal).item(), -0.2, 5 * std::sqrt(wider / double(n)));
  EXPECT_NEAR(var(normal).item(), wider, 0.05 * wider);
  // Through the density: a constant field Jacobian gives −probe form along the whole path.
  LinearFlow exact;
  const Tensor p = exact.model.log_density(x, exact.rng).value, q = flow.model.log_density(x, flow.rng).value;
  EXPECT_NEAR(mean(p - q).item(), 0, 5 * std::sqrt(variance / double(n)));
}

/// log N(x; b, C), 2-D.
double log_normal(double x, double y, const double (&c)[3]) {
  const double det = c[0] * c[2] - c[1] * c[1];
  return -0.5 * (c[2] * x * x - 2 * c[1] * x * y + c[0] * y * y) / det - 0.5 * std::log(det) -
         std::log(2 * std::numbers::pi);
}

// A linear VAE is probabilistic PCA: p(x) = N(b, W Wᵀ + σ² I), posterior N(M⁻¹ Wᵀ (x − b), σ² M⁻¹), M = Wᵀ W + σ².
TEST(Toys, TheLinearVaeIsProbabilisticPca) {
  Rng rng(3);
  Vae vae(2, {.latent = 1, .depth = 0, .importance_samples = 1}, rng);
  const double w[2] = {1.2, -0.7}, b[2] = {0.5, 1}, s2 = 0.36, m = w[0] * w[0] + w[1] * w[1] + s2;
  set_field(vae, "decoder.layers.0.weight", tensor({w[0], w[1]}, {2, 1}));
  set_field(vae, "decoder.layers.0.bias", tensor({b[0], b[1]}));
  set_field(vae, "head.log_noise", full({2}, 0.5 * std::log(s2)));
  const double log_deviation = 0.5 * std::log(s2 / m), shift = -(w[0] * b[0] + w[1] * b[1]) / m;
  set_field(vae, "encoder.layers.0.weight", tensor({w[0] / m, w[1] / m, 0, 0}, {2, 2}));
  set_field(vae, "encoder.layers.0.bias", tensor({shift, log_deviation}));
  const int64_t n = 50;
  const Tensor x = vae.push(Variable(vae.base().sample(n, rng, float64))).value();
  const double c[3] = {w[0] * w[0] + s2, w[0] * w[1], w[1] * w[1] + s2};
  std::vector<double> exact;
  for (int64_t i = 0; i < n; ++i) exact.push_back(log_normal(x.at({i, 0}) - b[0], x.at({i, 1}) - b[1], c));
  // With the true posterior the bound is the density itself, without scatter, for any number of samples.
  for (int64_t k : {1, 7}) {
    const Tensor bound = vae.importance_bound(x, k, rng).value();
    for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(bound.at({i}), exact[size_t(i)], 1e-5);
  }
  // The objective's closed-form KL agrees with it on average.
  double elbo = 0, truth = 0;
  for (int i = 0; i < 400; ++i) elbo -= EvidenceBound(vae).loss(x, rng).item() / 400;
  for (double e : exact) truth += e / double(n);
  EXPECT_NEAR(elbo, truth, 0.02);
  // With a wrong posterior it stays below, and closer with more samples.
  set_field(vae, "encoder.layers.0.bias", tensor({shift + 0.6, log_deviation + 0.4}));
  double last = -INFINITY;
  for (int64_t k : {1, 5, 50, 500}) {
    double bound = 0;
    const int repeats = int(4000 / k) + 1;
    for (int i = 0; i < repeats; ++i) bound += mean(vae.importance_bound(x, k, rng)).item() / repeats;
    EXPECT_LT(bound, truth + 0.01) << k;
    EXPECT_GT(bound, last) << k;
    last = bound;
  }
  EXPECT_NEAR(last, truth, 0.01);
}

// Trained, a linear VAE finds the principal components: the columns of its decoder span the plane of largest variance.
TEST(Toys, TheTrainedLinearVaeSpansThePrincipalComponents) {
  Rng rng(6);
  Vae vae(3, {.latent = 2, .depth = 0}, rng);
  for (Field& field : fields_of(vae))
    *field.parameter = Variable(field.value() * 0.3);  // gentle: σ near 1, small codes
  const Tensor loadings = tensor({1.5, 0.2, 0.6, -1, 0.3, 0.9}, {3, 2});
  const std::vector<Field> parameters = parameters_of(vae);
  Adam adam;
  const EvidenceBound objective(vae);
  for (int step = 0; step < 1200; ++step) {
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
      return objective.loss(matmul(rng.normal({128, 2}), transpose(loadings)) + rng.normal({128, 3}) * 0.5, rng);
    });
    adam.update(parameters, gradients, step < 900 ? 2e-2 : 2e-3);
  }
  auto normal_of = [](const Tensor& w) {  // of the plane that two columns span
    const auto at = [&](int64_t i, int64_t j) { return cast(w, float64).at({i, j}); };
    const double n[3] = {at(1, 0) * at(2, 1) - at(2, 0) * at(1, 1), at(2, 0) * at(0, 1) - at(0, 0) * at(2, 1),
                         at(0, 0) * at(1, 1) - at(1, 0) * at(0, 1)};
    const double length = std::hypot(n[0], n[1], n[2]);
    return std::array{n[0] / length, n[1] / length, n[2] / length};
  };
  for (const Field& field : fields_of(vae))
    if (field.path == "decoder.layers.0.weight") {
      const auto a = normal_of(loadings), b = normal_of(field.value());
      EXPECT_GT(std::abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]), std::cos(0.06));
    }
}

// Two binary variables with P = [[0.1, 0.3], [0.35, 0.25]]: sharpening each conditional by itself is not sharpening the law.
TEST(Toys, TemperingConditionalsIsNotTemperingTheLaw) {
  const Tensor p = tensor({0.1, 0.3, 0.35, 0.25}, {2, 2}, float64);
  const double temperature = 0.5;
  const Tensor joint = reshape(softmax(reshape(log(p), {4}) * (1 / temperature), -1), {2, 2});
  const Tensor first = softmax(log(sum(p, 1)) * (1 / temperature), -1),
               second = softmax(log(p) * (1 / temperature), -1);
  const Tensor chain = unsqueeze(first, 1) * second;
  const double known_joint[] = {0.0351, 0.3158, 0.4298, 0.2193}, known_chain[] = {0.0308, 0.2769, 0.4584, 0.2339};
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(joint.at({i / 2, i % 2}), known_joint[i], 5e-5);
    EXPECT_NEAR(chain.at({i / 2, i % 2}), known_chain[i], 5e-5);
  }
}

/// log p(x) of a VAE with one latent coordinate: the mean of p(x|z) over the quantiles of z.
Tensor log_density_by_quadrature(const Vae& vae, const Tensor& x) {
  const int64_t points = 4000, n = x.size(0);
  const Tensor z = linspace(-9, 9, points, float64);
  const Tensor log_prior =
      square(z) * -0.5 - 0.5 * std::log(2 * std::numbers::pi) + std::log(18.0 / double(points - 1));
  const Tensor decoded = vae.decode(Variable(reshape(z, {points, 1}))).value();
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < n; ++i) {
    const Tensor one = contiguous(expand(slice(x, 0, i, i + 1), {points, x.size(1)}));
    rows.push_back(logsumexp(vae.log_likelihood(Variable(one), Variable(decoded)).value() + log_prior, 0));
  }
  return stack(rows, 0);
}

TEST(Toys, ABoundNeverExceedsTheDensity) {
  for (Likelihood likelihood : {Likelihood::gaussian, Likelihood::bernoulli}) {
    Rng rng(4);
    Vae vae(2, {.likelihood = likelihood, .latent = 1, .hidden = 16}, rng);
    // A decoder that bends, wide noise, and a posterior that is not far from the prior: wrong, but not hopeless.
    for (Field& field : fields_of(vae)) {
      const double factor = field.path.starts_with("decoder") ? 1.5 : field.path.starts_with("encoder") ? 0.3 : 0;
      *field.parameter = Variable(cast(field.value() * factor, float64));
    }
    const Tensor x = likelihood == Likelihood::gaussian
                         ? vae.push(Variable(vae.base().sample(40, rng, float64))).value()
                         : tensor({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}, float64);
    const Tensor exact = log_density_by_quadrature(vae, x);
    const int64_t repeats = 400;
    std::vector<Tensor> bounds;
    for (int64_t i = 0; i < repeats; ++i) bounds.push_back(vae.log_density(x, rng).value);
    const Tensor all = stack(bounds, 0), centre = mean(all, 0), error = sqrt(var(all, 0) * (1.0 / double(repeats)));
    for (int64_t i = 0; i < x.size(0); ++i) {
      EXPECT_LE(centre.at({i}), exact.at({i}) + 5 * error.at({i}) + 1e-9) << i;
      if (likelihood == Likelihood::bernoulli) { EXPECT_NEAR(centre.at({i}), exact.at({i}), 0.2) << i; }
    }
    if (likelihood == Likelihood::gaussian) continue;
    // Four outcomes: their probabilities add up to one, and they are how often the map gives them.
    EXPECT_NEAR(sum(exp(exact)).item(), 1, 1e-6);
    const int64_t n = 100000;
    const Tensor samples = vae.push(Variable(vae.base().sample(n, rng, float64))).value();
    const double both = mean(pick(samples, 1, 0) * pick(samples, 1, 1)).item(), p = std::exp(exact.at({3}));
    EXPECT_NEAR(both, p, 5 * std::sqrt(p * (1 - p) / double(n)));
  }
}

TEST(Toys, AffineAndComposition) {
  Rng rng(5);
  auto affine = std::make_unique<Affine>(tensor({2, -0.5}), tensor({1, 3}));
  const Mapped pushed = affine->push_with_log_det(Variable(tensor({1, 1}, {1, 2}, float64)));
  EXPECT_EQ(pushed.value.value().to_vector<double>(), (std::vector<double>{3, 2.5}));
  EXPECT_NEAR(pushed.log_det.value().at({0}), 0, 1e-12);
  EXPECT_NEAR(affine->pull_with_log_det(pushed.value).value.value().at({0, 1}), 1, 1e-12);
  EXPECT_TRUE(contains(error_of([] { Affine(tensor({1, 0}), zeros({2})); }), "affine: a scale of 0 cannot be undone"));

  Composed both(std::make_unique<CouplingFlow>(2, CouplingSettings{.layers = 2, .hidden = 8}, rng), std::move(affine));
  EXPECT_EQ(both.traits().density, DensityKind::exact);
  EXPECT_TRUE(both.traits().invertible && both.traits().same_width);
  const Tensor z = rng.normal({5, 2});
  const Mapped x = both.push_with_log_det(Variable(z)), inner = both.first().push_with_log_det(Variable(z));
  const Tensor density = both.log_density(x.value.value(), rng).value;
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(x.log_det.value().at({i}), inner.log_det.value().at({i}) + std::log(2 * 0.5), 1e-6);
    EXPECT_NEAR(density.at({i}), Normal(2).log_density(Variable(z)).value().at({i}) - x.log_det.value().at({i}), 1e-4);
    EXPECT_NEAR(both.pull(x.value).value().at({i, 0}), z.at({i, 0}), 1e-4);
  }
  EXPECT_EQ(both.path(z).size(), 1 + 2 + 1);
  EXPECT_TRUE(contains(error_of([&] {
                         Composed(std::make_unique<CouplingFlow>(3, CouplingSettings{}, rng),
                                  std::make_unique<Affine>(ones({2}), zeros({2})));
                       }),
                       "compose: the first map gives 3 numbers and the second takes 2"));
}

}  // namespace
}  // namespace pf
