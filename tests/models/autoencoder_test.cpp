// Autoencoders where the answers are known: linear decoders, densities in closed form, derivatives of derivatives.

#include "models/autoencoder/autoencoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "autograd/functional.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

/// Every parameter in double precision, moved away from where it starts.
template <AnyModule M> void shake(M& module, Rng& rng, double by = 0.3) {
  for (Field& field : fields_of(module))
    if (field.parameter)
      *field.parameter = Variable(cast(field.value(), float64) + rng.normal(field.value().shape(), float64) * by);
}

Variable* parameter(Autoencoder& model, const std::string& path) {
  for (Field& field : fields_of(model))
    if (field.path == path) return field.parameter;
  ADD_FAILURE() << "no field " << path;
  return nullptr;
}

double largest(const Tensor& x) { return max(abs(x)).item(); }

// x = A c + b from codes N(m, C): the density on the plane is log N(c; m, C) − ½ log det AᵀA.
TEST(Autoencoder, ALinearDecoderHasTheDensityOfItsPlane) {
  Rng rng(1);
  Autoencoder model(3, {.latent = 2, .depth = 0, .density = CodeDensityKind::gaussian}, rng);
  shake(model, rng);
  const Tensor a = parameter(model, "decoder.layers.0.weight")->value();  // [3, 2]
  const auto at = [&](int64_t i, int64_t j) { return a.at({i, j}); };
  double aa = 0, ab = 0, bb = 0;
  for (int64_t i = 0; i < 3; ++i) {
    aa += at(i, 0) * at(i, 0);
    ab += at(i, 0) * at(i, 1);
    bb += at(i, 1) * at(i, 1);
  }
  const Tensor code = rng.normal({6, 2}, float64);
  const Tensor expected = model.density().log_density(Variable(code)).value() - 0.5 * std::log(aa * bb - ab * ab);
  EXPECT_LT(largest(model.surface_log_density(code) - expected), 1e-10);
}

// On a curve the density is that of the code divided by the speed |d'(c)|, which differences give as well.
TEST(Autoencoder, TheDensityOnACurveIsThatOfItsLength) {
  Rng rng(2);
  Autoencoder model(3, {.latent = 1, .hidden = 8, .density = CodeDensityKind::gaussian}, rng);
  shake(model, rng);
  const Tensor code = rng.normal({5, 1}, float64);
  const double h = 1e-5;
  const Tensor step = (model.decode(Variable(code + h)).value() - model.decode(Variable(code - h)).value()) * (0.5 / h);
  const Tensor expected = model.density().log_density(Variable(code)).value() - log(sum(square(step), -1)) * 0.5;
  EXPECT_LT(largest(model.surface_log_density(code) - expected), 1e-8);
}

TEST(Autoencoder, ASurfaceNeedsRoom) {
  Rng rng(3);
  const Autoencoder model(2, {.latent = 3, .hidden = 8}, rng);
  EXPECT_TRUE(contains(error_of([&] {
                         model.surface_log_density(zeros({1, 3}));
                       }),
                       "codes of 3 coordinates for data of 2 columns"));
}

struct Conditioned {
  std::unique_ptr<CodeDensity> density;
  Tensor context;
};

/// Every kind of density on codes, away from its start, without a condition and with one.
std::vector<Conditioned> densities(Rng& rng) {
  std::vector<Conditioned> all;
  for (const Tensor& context : {Tensor(), tensor({0.8, -0.5, 1}, {1, 3}, float64)}) {
    const int64_t width = context.defined() ? 3 : 0;
    all.push_back({std::make_unique<GaussianMixture>(2, 1, rng, width), context});
    all.push_back({std::make_unique<GaussianMixture>(2, 4, rng, width), context});
    all.push_back({std::make_unique<FlowDensity>(2, CouplingSettings{.layers = 2, .hidden = 8}, rng, width), context});
  }
  for (auto& [density, context] : all) shake(*density, rng, 0.1);
  return all;
}

TEST(CodeDensity, EveryKindIntegratesToOne) {
  Rng rng(4);
  const int64_t cells = 600;
  const double size = 24, h = size / double(cells);
  std::vector<double> places;
  for (int64_t i = 0; i < cells * cells; ++i) {
    places.push_back((double(i / cells) + 0.5) * h - size / 2);
    places.push_back((double(i % cells) + 0.5) * h - size / 2);
  }
  const Tensor grid = tensor(places, {cells * cells, 2}, float64);
  for (const auto& [density, context] : densities(rng)) {
    double total = 0;
    for (int64_t at = 0; at < grid.size(0); at += 10000)
      total += sum(exp(density->log_density(Variable(slice(grid, 0, at, at + 10000)), context).value())).item() * h * h;
    EXPECT_NEAR(total, 1, 2e-3);
  }
}

TEST(CodeDensity, EncodingIsUndoneByPushing) {
  Rng rng(5);
  for (const auto& [density, context] : densities(rng)) {
    const Tensor code = rng.normal({50, 2}, float64), z = density->encode(code, context);
    EXPECT_EQ(z.shape(), (Shape{50, density->base()->width()}));
    EXPECT_LT(largest(density->push(Variable(z), context).value() - code), 1e-9);
  }
}

// What is pushed has the density q that is claimed.
TEST(CodeDensity, SamplesHaveTheClaimedDensity) {
  Rng rng(6);
  const int64_t n = 100000;
  for (const auto& [density, context] : densities(rng)) {
    const Tensor c = density->push(Variable(density->base()->sample(n, rng, float64)), context).value();
    // E_q[p₀/q] = 1 for a p₀ narrower than q: a test of samples and density together.
    const Tensor centre = mean(c, 0), deviation = sqrt(var(c, 0)) * 0.5;
    const Tensor narrow =
        Normal(2).log_density(Variable((c - centre) / deviation)).value() - sum(log(deviation)).item();
    const Tensor ratio = exp(narrow - density->log_density(Variable(c), context).value());
    EXPECT_NEAR(mean(ratio).item(), 1, 5 * std::sqrt(var(ratio).item() / double(n)));
  }
}

// The full Gaussian, fitted, has the mean and covariance of the codes.
TEST(CodeDensity, TheFittedGaussianIsTheMomentsOne) {
  Rng rng(7);
  GaussianMixture density(2, 1, rng);
  shake(density, rng, 0);
  const Tensor mixing = tensor({1.5, 0, -0.8, 0.4}, {2, 2}, float64), place = tensor({1, -2}, {2}, float64);
  const Tensor codes = matmul(rng.normal({4000, 2}, float64), transpose(mixing)) + place;
  const std::vector<Field> parameters = parameters_of(density);
  Adam adam;
  for (int step = 0; step < 1500; ++step) {
    auto [loss, gradients] =
        value_and_grad(std::span<const Field>(parameters), [&] { return -mean(density.log_density(Variable(codes))); });
    adam.update(parameters, gradients, step < 1000 ? 2e-2 : 1e-3);
  }
  const NormalComponents fitted = density.components();
  const Tensor centred = codes - mean(codes, 0), covariance = matmul(transpose(centred), centred) * (1 / 4000.0);
  const Tensor whitening = pick(fitted.whitening.value(), 0, 0);
  EXPECT_LT(largest(pick(fitted.means.value(), 0, 0) - mean(codes, 0)), 1e-3);
  EXPECT_LT(largest(inverse(matmul(transpose(whitening), whitening)) - covariance), 5e-3);
}

// Two classes, each normal with its own mean and deviations: the fitted density reaches the entropy given the class.
TEST(CodeDensity, AGaussianGivenTheClassIsTheOneOfTheClass) {
  Rng rng(12);
  GaussianMixture density(2, 1, rng, 2);
  shake(density, rng, 0);
  const int64_t n = 2000;
  const Tensor classes = cast(rng.uniform({n, 1}, float64) < 0.5, float64);
  const Tensor context = concat(std::vector{1.0 - classes, classes}, 1);
  const Tensor places = tensor({1, -2, -3, 0.5}, {2, 2}, float64), sizes = tensor({0.5, 1, 2, 0.3}, {2, 2}, float64);
  const Tensor codes = matmul(context, places) + matmul(context, sizes) * rng.normal({n, 2}, float64);
  const std::vector<Field> parameters = parameters_of(density);
  Adam adam;
  double reached = 0;
  for (int step = 0; step < 800; ++step) {
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters),
                                            [&] { return -mean(density.log_density(Variable(codes), context)); });
    adam.update(parameters, gradients, step < 500 ? 2e-2 : 1e-3);
    reached = loss.item();
  }
  const double entropy = std::log(2 * std::numbers::pi * std::numbers::e) + 0.5 * std::log(0.5 * 1 * 2 * 0.3);
  EXPECT_NEAR(reached, entropy, 3 / std::sqrt(double(n)));  // −log p has variance 1
  const NormalComponents one = density.components(1, tensor({0, 1}, {1, 2}, float64));
  EXPECT_NEAR(one.means.value().at({0, 0, 0}), -3, 0.2);
  EXPECT_NEAR(one.means.value().at({0, 0, 1}), 0.5, 0.03);
}

TEST(CodeDensity, AFlowNeedsTwoCoordinates) {
  Rng rng(8);
  EXPECT_TRUE(contains(error_of([&] { FlowDensity(1, {}, rng); }), "a flow needs codes of at least 2 coordinates"));
}

TEST(Autoencoder, TheDensityDoesNotMoveTheCodes) {
  for (AutoencoderVariant variant : {AutoencoderVariant::plain, AutoencoderVariant::denoising,
                                     AutoencoderVariant::rae_l2, AutoencoderVariant::rae_gp}) {
    Rng rng(9);
    Autoencoder model(3, {.hidden = 8, .density = CodeDensityKind::mixture, .components = 3}, rng);
    shake(model, rng);
    const Reconstruction objective(model, {.variant = variant, .code_weight = 0.3, .decoder_weight = 0.2});
    const Tensor x = rng.normal({20, 3}, float64);
    const auto gradients = [&](const std::string& below, const std::function<Variable(Rng&)>& f) {
      Rng fixed(10);
      return value_and_grad(model, [&] { return f(fixed); }, below, {.allow_unused = true}).gradients.list;
    };
    const auto whole = [&](Rng& r) { return objective.loss(x, r); };
    const auto first = [&](Rng& r) { return objective.reconstruction_loss(x, r); };
    const auto second = [&](Rng& noise) { return objective.density_loss(x, noise); };
    for (const char* below : {"encoder", "decoder", "density"}) {
      const bool network = std::string(below) != "density";
      const auto all = gradients(below, whole), part = gradients(below, network ? std::function(first) : second);
      for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_LT(largest(all[i] - part[i]), 1e-12) << below << i;
        EXPECT_GT(largest(all[i]), 0) << below << i;
      }
    }
    // Each part by itself is a function with a slope.
    const std::vector<Field> parameters = parameters_of(model);
    std::vector<Tensor> start, direction;
    double slope = 0;
    const auto of_networks = gradients("", first);
    for (size_t i = 0; i < parameters.size(); ++i) {
      start.push_back(parameters[i].value());
      direction.push_back(rng.normal(start[i].shape(), float64));
      slope += sum(of_networks[i] * direction[i]).item();
    }
    const auto value = [&](double step) {
      for (size_t i = 0; i < parameters.size(); ++i)
        *parameters[i].parameter = Variable(start[i] + direction[i] * step);
      Rng fixed(10);
      return objective.reconstruction_loss(x, fixed).item();
    };
    EXPECT_NEAR((value(1e-6) - value(-1e-6)) / 2e-6, slope, 1e-5 * (1 + std::abs(slope)));
  }
}

// The penalty on the slope of a linear decoder d(c) = A c + b is ½ λ ‖A‖² on average over probes.
TEST(Autoencoder, TheGradientPenaltyOfALinearDecoderIsItsNorm) {
  Rng rng(11);
  Autoencoder model(4, {.latent = 2, .depth = 0, .density = CodeDensityKind::gaussian}, rng);
  shake(model, rng);
  const Tensor x = rng.normal({20000, 4}, float64);
  const Reconstruction with(model, {.variant = AutoencoderVariant::rae_gp, .code_weight = 0, .decoder_weight = 2}),
      without(model, {.variant = AutoencoderVariant::plain});
  const double penalty = with.reconstruction_loss(x, rng).item() - without.reconstruction_loss(x, rng).item();
  const double expected = sum(square(parameter(model, "decoder.layers.0.weight")->value())).item();
  EXPECT_NEAR(penalty, expected, 0.05 * expected);
}

}  // namespace
}  // namespace pf
