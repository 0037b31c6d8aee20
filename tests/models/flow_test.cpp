// What is known of each kind of flow layer, beyond the laws of all families.

#include <cmath>
#include <limits>
#include <numbers>

#include "autograd/functional.h"
#include "models/flow/autoregressive.h"
#include "models/flow/continuous.h"
#include "models/flow/glow.h"
#include "models/flow/logit.h"
#include "models/flow/planar.h"
#include "models/flow/residual.h"
#include "models/flow/stack.h"
#include "models/model.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tensor/ops/rounding.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

/// All parameters in double precision, with noise added.
template <AnyModule M> void shake(M& module, Rng& rng, double size) {
  for (Field& field : fields_of(module)) {
    if (!is_floating(field.value().dtype())) continue;
    if (field.parameter)
      *field.parameter = Variable(cast(field.value(), float64) + rng.normal(field.value().shape(), float64) * size);
    else *field.buffer = cast(field.value(), float64);
  }
}

double largest(const Tensor& x) { return max(abs(x)).item(); }

TEST(Flow, ACoordinateOfAnAutoregressiveLayerDependsOnTheOnesBeforeIt) {
  for (CouplingKind kind : {CouplingKind::affine, CouplingKind::spline})
    for (bool last_first : {false, true})
      for (int64_t hidden : {3, 16}) {
        Rng rng(1);
        AutoregressiveLayer layer(5, {.map = {.kind = kind, .bins = 4}, .hidden = hidden}, last_first, rng);
        shake(layer, rng, 0.3);
        const Tensor x = rng.normal({7, 5}, float64);
        const Tensor jacobian = batch_jacobian([&](const Variable& v) { return layer.pull(v).value; }, x);
        EXPECT_EQ(largest(last_first ? tril(jacobian, -1) : triu(jacobian, 1)), 0);
        EXPECT_GT(largest(last_first ? triu(jacobian, 1) : tril(jacobian, -1)), 1e-3);
        EXPECT_GT(min(diagonal(jacobian)).item(), 0);
      }
}

TEST(Flow, AContextReachesEveryCoordinateOfAnAutoregressiveLayer) {
  for (int64_t width : {1, 2, 5})
    for (bool last_first : {false, true}) {
      Rng rng(9);
      AutoregressiveLayer layer(width, {.map = {.bins = 4}, .hidden = 12}, last_first, rng, 3);
      shake(layer, rng, 0.3);
      const Tensor x = rng.normal({7, width}, float64) * 0.5, a = rng.normal({7, 3}, float64);
      const Variable y = layer.pull(Variable(x), a).value;
      const Tensor moved = abs((layer.pull(Variable(x), a + 0.5).value - y).value());
      for (int64_t j = 0; j < width; ++j) EXPECT_GT(largest(slice(moved, 1, j, j + 1)), 1e-4) << j;
      const Tensor jacobian = batch_jacobian([&](const Variable& v) { return layer.pull(v, a).value; }, x);
      EXPECT_EQ(largest(last_first ? tril(jacobian, -1) : triu(jacobian, 1)), 0);
      EXPECT_LT(largest((layer.push(y, a).value - x).value()), 1e-9);
    }
}

TEST(Flow, TheTwoDirectionsOfAnAutoregressiveLayerAreEachOthersInverse) {
  Rng rng(2);
  AutoregressiveLayer masked(6, {.map = {CouplingKind::affine}, .hidden = 12}, false, rng);
  shake(masked, rng, 0.2);
  AutoregressiveLayer inverse(6, {.map = {CouplingKind::affine}, .hidden = 12, .pull_in_one_pass = false}, false, rng);
  const std::vector<Field> from = fields_of(masked), to = fields_of(inverse);
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i].parameter) *to[i].parameter = *from[i].parameter;
    else *to[i].buffer = *from[i].buffer;
  }
  const Tensor x = rng.normal({20, 6}, float64);
  for (const AutoregressiveLayer* layer : {&masked, &inverse}) {
    const Mapped pulled = layer->pull(Variable(x)), back = layer->push(pulled.value);
    EXPECT_LT(largest((back.value - x).value()), 1e-10);
    EXPECT_LT(largest((back.log_det + pulled.log_det).value()), 1e-10);
  }
  // An inverse autoregressive layer is the same network, read in the other direction.
  const Variable z = masked.pull(Variable(x)).value;
  EXPECT_GT(largest((inverse.pull(Variable(x)).value - z).value()), 1e-3);
}

TEST(Flow, ARandomRotationHasItsTriangularFactors) {
  for (int64_t width : {1, 2, 3, 20}) {
    Rng rng{uint64_t(width)};
    LuLinear layer(width, rng);
    const Tensor matrix = layer.pull(Variable(eye(width))).value.value();
    EXPECT_LT(largest(matmul(matrix, transpose(matrix)) - eye(width)), 1e-5);
    const Mapped pulled = layer.pull(Variable(rng.normal({3, width})));
    EXPECT_LT(largest(pulled.log_det.value()), 1e-5);
    shake(layer, rng, 0.1);
    const Tensor x = rng.normal({4, width}, float64);
    const Mapped z = layer.pull(Variable(x));
    EXPECT_LT(largest((layer.push(z.value).value - x).value()), 1e-10);
    const Tensor changed = layer.pull(Variable(eye(width, float64))).value.value();
    EXPECT_NEAR(z.log_det.value().at({0}), slogdet(changed).log_abs.item(), 1e-12);
  }
}

TEST(Flow, APlanarLayerIsInvertedHoweverSteepItIs) {
  for (double size : {0.1, 3.0, 30.0}) {
    Rng rng(3);
    PlanarLayer layer(4, rng);
    shake(layer, rng, size);
    const Tensor x = rng.normal({200, 4}, float64) * 3.0;
    const Mapped pulled = layer.pull(Variable(x));
    EXPECT_TRUE(all(isfinite(pulled.log_det.value())));
    // Where the map is nearly flat, distances shrink by up to the slope.
    const double flattest = std::exp(min(pulled.log_det.value()).item());
    EXPECT_LT(largest((layer.push(pulled.value).value - x).value()), 1e-11 * (1 + size) / std::min(flattest, 1.0))
        << size;
  }
}

TEST(Flow, SecondDerivativesPassThroughAnInverse) {
  Rng rng(4);
  PlanarLayer planar(2, rng);
  ResidualLayer residual(2, 8, rng);
  shake(planar, rng, 0.5);
  shake(residual, rng, 0.5);
  const Tensor z = rng.normal({1, 2}, float64), v = rng.normal({1, 2}, float64);
  for (const FlowLayer* layer : {static_cast<const FlowLayer*>(&planar), static_cast<const FlowLayer*>(&residual)}) {
    const Map f = [&](const Variable& at) { return sum(square(layer->push(at).value)); };
    const double h = 1e-5;
    const Tensor differences =
        (value_and_grad(f, z + v * h).gradient - value_and_grad(f, z - v * h).gradient) * (0.5 / h);
    EXPECT_LT(largest(hvp(f, z, v) - differences), 1e-6 * (1 + largest(differences)));
  }
}

TEST(Flow, TheSpectralBoundIsNeverTooSmall) {
  Rng rng(5);
  for (Shape shape : {Shape{2, 64}, Shape{64, 64}, Shape{30, 7}, Shape{1, 1}}) {
    const Tensor w = rng.normal(shape, float64);
    // The largest singular value, by many rounds of power iteration.
    Tensor v = rng.normal({shape[1], 1}, float64);
    double largest_value = 0;
    for (int i = 0; i < 2000; ++i) {
      v = matmul(transpose(w), matmul(w, v));
      const double length = std::sqrt(sum(square(v)).item());
      largest_value = std::sqrt(length);
      v = v / length;
    }
    const double bound = spectral_bound(Variable(w)).item();
    EXPECT_GE(bound, largest_value * (1 - 1e-12));
    EXPECT_LE(bound, largest_value * std::pow(double(std::min(shape[0], shape[1])), 1.0 / 32) * (1 + 1e-12));
  }
}

TEST(Flow, AResidualLayerMovesDistancesByAtMostItsBound) {
  Rng rng(6);
  ResidualLayer layer(3, 16, rng);
  shake(layer, rng, 3.0);
  const Tensor x = rng.normal({500, 3}, float64), y = rng.normal({500, 3}, float64);
  const Tensor moved = (layer.pull(Variable(x)).value - layer.pull(Variable(y)).value).value();
  const Tensor ratio = sqrt(sum(square(moved), -1) / sum(square(x - y), -1));
  EXPECT_GT(min(ratio).item(), 1 - ResidualLayer::lipschitz);
  EXPECT_LT(max(ratio).item(), 1 + ResidualLayer::lipschitz);
}

// However much the context moves the points.
TEST(Flow, AConditionalResidualLayerIsAContractionInThePoint) {
  Rng rng(10);
  ResidualLayer layer(3, 16, rng, 2);
  shake(layer, rng, 3.0);
  const Tensor x = rng.normal({500, 3}, float64), y = rng.normal({500, 3}, float64);
  const Tensor context = rng.normal({500, 2}, float64) * 10.0;
  const Variable at_x = layer.pull(Variable(x), context).value;
  const Tensor moved = (at_x - layer.pull(Variable(y), context).value).value();
  const Tensor ratio = sqrt(sum(square(moved), -1) / sum(square(x - y), -1));
  EXPECT_GT(min(ratio).item(), 1 - ResidualLayer::lipschitz);
  EXPECT_LT(max(ratio).item(), 1 + ResidualLayer::lipschitz);
  EXPECT_GT(largest((at_x - layer.pull(Variable(x), context + 1.0).value).value()), 1e-2);
  EXPECT_LT(largest((layer.push(at_x, context).value - x).value()), 1e-10);
}

// x₁ = y + ½ ε₁, x₂ = 2 y² + 0.3 ε₂: given y the entropy is log 2πe + log ½ + log 0.3, and without y it is larger.
TEST(Flow, TheLikelihoodGivenAConditionReachesItsEntropy) {
  const double entropy = std::log(2 * std::numbers::pi * std::numbers::e) + std::log(0.5 * 0.3);
  for (const char* variant : {"spline", "maf", "planar"}) {
    Rng rng(11);
    Settings settings("flow", family("flow").settings);
    for (const char* key : {"hidden", "layers"}) settings.set(key, std::string(key) == "hidden" ? "32" : "4");
    settings.set("variant", variant);
    Built built = family("flow").build(settings, {.width = 2, .context = 1}, rng);
    const auto draw = [&](int64_t n) {
      const Tensor y = rng.uniform({n, 1}) * 2.0 - 1.0;
      const Tensor x = concat(std::vector{y + rng.normal({n, 1}) * 0.5, square(y) * 2.0 + rng.normal({n, 1}) * 0.3}, 1);
      return std::pair{x, y};
    };
    const std::vector<Field> parameters = parameters_of(*built.transform);
    Adam adam;
    for (int step = 0; step < 300; ++step) {
      const auto [x, y] = draw(128);
      auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters),
                                              [&, &x = x, &y = y] { return built.objective->loss(x, rng, y); });
      adam.update(parameters, gradients, 1e-2 * (1 - step / 300.0));
    }
    const auto [x, y] = draw(4000);
    const double nll = -mean(built.transform->log_density(x, rng, y).value).item();
    EXPECT_NEAR(nll, entropy, 0.08) << variant;
  }
}

// With many steps the determinant of the steps and the integral of the trace are the same number.
TEST(Flow, TheDensityThatTrainsAContinuousFlowIsThatOfTheOde) {
  Rng rng(7);
  ContinuousFlow flow(3,
                      {.hidden = 12,
                       .depth = 2,
                       .waves = 2,
                       .training = {.method = OdeMethod::rk4, .steps = 60},
                       .solver = {.tolerance = 1e-10}},
                      rng);
  shake(flow, rng, 0.1);
  const Tensor x = rng.normal({10, 3}, float64);
  EXPECT_LT(largest(flow.train(x, rng).log_density.value() - flow.log_density(x, rng).value), 1e-6);
}

TEST(Flow, TheTraceOfAContinuousFlowIsChosen) {
  for (auto [columns, word, exact] :
       {std::tuple{2, "auto", true}, {20, "auto", false}, {2, "hutchinson", false}, {20, "exact", true}}) {
    Settings settings("flow", family("flow").settings);
    for (const std::string& a : {std::string("variant=cnf"), join("divergence=", word), std::string("hidden=8")})
      settings.set(a);
    Rng rng(3);
    const Built built = family("flow").build(settings, {.width = columns}, rng);
    const LogDensity found = built.transform->log_density(rng.normal({4, columns}), rng);
    EXPECT_EQ(found.note.ends_with("exact trace"), exact) << columns << ' ' << word << ": " << found.note;
  }
}

TEST(Flow, ACheckpointedSolverHasTheSameGradients) {
  for (int64_t exact_up_to : {16, 2})
    for (int64_t context : {0, 2}) {
      std::vector<std::vector<Tensor>> all;
      for (bool checkpointed : {false, true}) {
        Rng rng(7);
        ContinuousFlow flow(3,
                            {.hidden = 12,
                             .depth = 2,
                             .training = {.method = OdeMethod::rk4, .steps = 5},
                             .checkpointed = checkpointed,
                             .exact_up_to = exact_up_to,
                             .context = context},
                            rng);
        shake(flow, rng, 0.1);
        const Tensor x = rng.normal({6, 3}, float64), given = rng.normal({6, 2}, float64);
        const std::vector<Field> parameters = parameters_of(flow);
        auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
          return ContinuousLikelihood(flow).loss(x, rng, context ? given : Tensor());
        });
        all.push_back(std::move(gradients.list));
        all.back().push_back(loss);
      }
      for (size_t i = 0; i < all[0].size(); ++i)
        EXPECT_LT(largest(all[0][i] - all[1][i]), 1e-12 * (1 + largest(all[0][i])));
    }
}

TEST(Flow, LogitsHaveTheirLogDeterminant) {
  Rng rng(13);
  const LogitMap map(4, 0.05);
  const Tensor x = rng.uniform({50, 4}, float64) * 2.0 - 1.0;
  const Mapped pulled = map.pull_with_log_det(Variable(x)), back = map.push_with_log_det(pulled.value);
  EXPECT_LT(largest((back.value - x).value()), 1e-12);
  EXPECT_LT(largest((back.log_det + pulled.log_det).value()), 1e-12);
  const Tensor jacobian = batch_jacobian([&](const Variable& v) { return map.pull(v); }, x);
  EXPECT_LT(largest(slogdet(jacobian).log_abs - pulled.log_det.value()), 1e-10);
  EXPECT_NEAR(map.pull(Variable(full({1, 4}, 1.0, float64))).value().at({0, 0}), std::log(0.95 / 0.05), 1e-12);
  // Far out in the logits x is 1 + 2 α / (1 − 2 α) at most, and beyond that there is nothing.
  const Tensor beyond = full({1, 4}, 1 + 0.1 / 0.9 + 1e-9, float64);
  EXPECT_EQ(map.pull_with_log_det(Variable(beyond)).log_det.item(), -std::numeric_limits<double>::infinity());
}

// By the model's own numbers: log p on the scale of the pixels, against the inner flow's by the Jacobian of all the rest.
TEST(Flow, ADensityBehindLogitsIsThatOfThePixels) {
  Rng rng(14);
  const int64_t levels = 4;
  const Tensor rows = cast(rng.integers(levels, {300, 4}), float32);
  const Dataset data{.name = "tiny", .train = rows, .test = rows, .image = ImageShape{2, 2, 1}, .levels = int(levels)};
  for (const char* variant : {"realnvp", "cnf"}) {
    ModelConfig config = ModelConfig::make("flow", data, 1);
    for (const std::string& a : {join("variant=", variant), std::string("preprocess=logit"), std::string("hidden=8")})
      config.settings.set(a);
    Model model(config, data.train);
    for (Field& field : parameters_of(model.transform()))
      *field.parameter = Variable(field.value() + rng.normal(field.value().shape()) * 0.05);
    const Tensor pixels = slice(rows, 0, 0, 20) + rng.uniform({20, 4});
    const auto to_noise = [&](const Variable& x) { return model.transform().pull(x); };
    const Tensor expected = model.transform().base().log_density(to_noise(Variable(pixels))).value() +
                            slogdet(batch_jacobian(to_noise, pixels)).log_abs;
    const Tensor claimed = model.transform().log_density(pixels, rng).value;
    EXPECT_LT(largest(claimed - expected), 2e-3) << variant;
    // The loss is the mean of −log p of the normalised pixels, apart from the path energy of cnf.
    if (std::string(variant) == "cnf") continue;
    const Tensor normalised = model.normalise(slice(rows, 0, 0, 20), rng);
    const double loss = model.objective().loss(normalised, rng).item();
    EXPECT_NEAR(loss, -mean(model.inner().log_density(normalised, rng).value).item(), 1e-3);
  }
  Settings settings("flow", family("flow").settings);
  settings.set("preprocess=logit");
  EXPECT_TRUE(contains(error_of([&] { family("flow").build(settings, {.width = 2}, rng); }),
                       "preprocess=logit takes data of known ends"));
}

TEST(Flow, AnEstimatedTraceIsRightOnAverage) {
  Rng rng(8);
  ContinuousSettings settings{.hidden = 12, .depth = 1, .training = {.method = OdeMethod::rk4, .steps = 20}};
  settings.exact_up_to = 2;
  ContinuousFlow flow(3, settings, rng);
  shake(flow, rng, 0.2);
  const Tensor x = expand(rng.normal({1, 3}, float64), {4000, 3});
  const Tensor estimates = flow.train(x, rng).log_density.value();
  const double centre = mean(estimates).item(), deviation = std::sqrt(mean(square(estimates - centre)).item());
  Rng unused(1);
  const Mapped exact = flow.pull_with_log_det(Variable(slice(x, 0, 0, 1)));
  const double truth = (flow.base().log_density(exact.value) + exact.log_det).item();
  EXPECT_GT(deviation, 1e-3);
  EXPECT_NEAR(centre, truth, 4 * deviation / std::sqrt(4000.0) + 1e-5);
}

TEST(Flow, WhatAVariantCannotDoIsExplained) {
  const Family& flow = family("flow");
  auto build = [&](const char* variant, int64_t width) {
    return error_of([&] {
      Settings settings("flow", flow.settings);
      settings.set("variant", variant);
      Rng rng(1);
      flow.build(settings, {.width = width}, rng);
    });
  };
  EXPECT_TRUE(contains(build("iaf", 784), "iaf on data with 784 columns"));
  EXPECT_TRUE(contains(build("residual", 784), "residual on data with 784 columns"));
  EXPECT_TRUE(contains(build("glow", 1), "a coupling needs at least 2"));
}

}  // namespace
}  // namespace pf
