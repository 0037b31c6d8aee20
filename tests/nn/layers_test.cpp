// What single layers compute, against plain arithmetic.

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "nn/batch_norm.h"
#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/gradients.h"
#include "nn/layer_norm.h"
#include "nn/masked_linear.h"
#include "nn/mlp.h"
#include "nn/time_embedding.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

TEST(MaskedLinear, SeesOnlyWhatTheMaskAllows) {
  Rng rng(1);
  const std::vector<int64_t> degrees = {1, 2, 3};
  const Tensor mask = degree_mask(degrees, degrees, true);
  EXPECT_EQ(mask.to_vector<float>(), (std::vector<float>{0, 0, 0, 1, 0, 0, 1, 1, 0}));
  const MaskedLinear layer(mask, rng);
  const Tensor x = rng.normal({4, 3});
  for (int output = 0; output < 3; ++output) {
    const Variable at = tracked(x);
    const Tensor slope = grad(sum(slice(layer(at), 1, output, output + 1)), at, {.allow_unused = true});
    for (int input = 0; input < 3; ++input)
      EXPECT_EQ(slope.at({0, input}) != 0, output > input) << output << " " << input;
  }
  EXPECT_TRUE(contains(error_of([&] { MaskedLinear(full({2, 2}, 0.5), rng); }), "the mask holds 0.5"));
}

TEST(LayerNorm, RowsHaveMeanZeroAndVarianceOne) {
  Rng rng(1);
  for (int64_t width : {1, 2, 7, 16, 33, 300}) {
    const LayerNorm layer = cast_module(LayerNorm(width, 0), float64);
    if (width == 1) continue;  // a single number has no variance
    const Tensor y = layer(rng.normal({2, 5, width}, float64) * 3.0 + 10.0).value();
    for (int64_t row = 0; row < 5; ++row) {
      double m = 0, v = 0;
      for (int64_t i = 0; i < width; ++i) m += y.at({1, row, i}) / double(width);
      for (int64_t i = 0; i < width; ++i) v += std::pow(y.at({1, row, i}) - m, 2) / double(width);
      EXPECT_NEAR(m, 0, 1e-12);
      EXPECT_NEAR(v, 1, 1e-10);
    }
  }
}

TEST(LayerNorm, FusedEqualsComposite) {
  Rng rng(2);
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 5}, Shape{2, 3, 16}, Shape{700, 64}, Shape{0, 4}, Shape{9}}) {
    for (DType dtype : {float32, float64}) {
      const int64_t n = shape.back();
      const Variable x = tracked(rng.normal(shape, dtype)), w = tracked(rng.normal({n}, dtype)),
                     b = tracked(rng.normal({n}, dtype));
      const Tensor g = rng.normal(shape, dtype);
      const Variable fused = layer_norm(x, w, b), composite = LayerNormOp{}.composite(x, w, b);
      const std::array<Variable, 3> inputs = {x, w, b};
      const auto a = pull_cotangents<Tensor>(fused, inputs, g), e = pull_cotangents<Tensor>(composite, inputs, g);
      const double tolerance = dtype == float32 ? 1e-4 : 1e-11;
      auto distance = [&](const Tensor& p, const Tensor& q) {
        return std::sqrt(sum(square(p - q)).item() / double(std::max<int64_t>(1, q.numel())));
      };
      EXPECT_LT(distance(fused.value(), composite.value()), tolerance) << to_string(shape);
      for (int i = 0; i < 3; ++i)
        EXPECT_LT(distance(a[size_t(i)], e[size_t(i)]), tolerance * 30) << to_string(shape) << " input " << i;
    }
  }
}

TEST(LayerNorm, SecondDerivatives) {
  Rng rng(3);
  const Tensor x = rng.normal({4, 6}, float64), w = rng.normal({6}, float64), b = rng.normal({6}, float64);
  const Tensor g = rng.normal({4, 6}, float64), direction = rng.normal({4, 6}, float64);
  auto slope = [&](const Variable& at) {
    return recorded_grad(sum(square(layer_norm(at, Variable(w), Variable(b))) * g), at);
  };
  const Variable at = tracked(x);
  const Tensor exact = grad(sum(slope(at) * direction), at);
  auto moved = [&](double h) { return slope(tracked(x + direction * h)).value(); };
  const Tensor numeric = (moved(1e-6) - moved(-1e-6)) * 5e5;
  EXPECT_LT(std::sqrt(sum(square(exact - numeric)).item()), 1e-6 * std::sqrt(sum(square(exact)).item()));
}

TEST(BatchNorm, TrainsWithTheBatchAndEvaluatesWithTheRunningStatistics) {
  Rng rng(1);
  BatchNorm layer = cast_module(BatchNorm(3), float64);
  const Tensor x = rng.normal({50, 3}, float64) * 2.0 + 5.0;
  const Tensor y = layer.train(x).value();
  EXPECT_NEAR(mean(y).item(), 0, 1e-12);
  EXPECT_NEAR(mean(square(y)).item(), 1, 1e-4);
  EXPECT_NEAR(layer.running_mean.at({1}), 0.1 * mean(x, 0).at({1}), 1e-12);
  EXPECT_NEAR(layer.running_var.at({1}), 0.9 + 0.1 * var(x, 0).at({1}), 1e-12);
  for (int i = 0; i < 400; ++i) layer.train(x);
  EXPECT_NEAR(layer.running_mean.at({2}), mean(x, 0).at({2}), 1e-9);
  const BatchNorm& evaluated = layer;
  EXPECT_NEAR(mean(evaluated(x).value()).item(), 0, 1e-9);
  EXPECT_NEAR(mean(square(evaluated(x).value())).item(), 0.98, 1e-3);  // the running variance is the unbiased one
  EXPECT_TRUE(contains(error_of([&] { layer.train(zeros({1, 3}, float64)); }), "batch_norm: [1, 3] has 1 rows"));
}

TEST(Dropout, KeepsTheMeanAndCanBeReplayed) {
  const Tensor x = full({100, 100}, 2);
  Rng a(1), b(1);
  const Tensor y = dropout(x, 0.25, a).value();
  EXPECT_EQ(y.to_vector<float>(), dropout(x, 0.25, b).value().to_vector<float>());
  EXPECT_NE(y.to_vector<float>(), dropout(x, 0.25, a).value().to_vector<float>());
  EXPECT_NEAR(mean(y).item(), 2, 0.05);
  int dropped = 0;
  for (float v : y.to_vector<float>()) {
    dropped += v == 0;
    EXPECT_TRUE(v == 0 || std::abs(v - 2 / 0.75) < 1e-5);
  }
  EXPECT_NEAR(dropped, 2500, 200);
  EXPECT_EQ(Dropout{}(x).value().to_vector<float>(), x.to_vector<float>());
  EXPECT_TRUE(contains(error_of([&] { dropout(x, 1, a); }), "dropout: rate 1"));
}

TEST(Embedding, PicksRowsAndAddsTheirGradients) {
  Rng rng(1);
  Embedding table(3, 2, rng);
  const Tensor indices = tensor({2, 0, 2, 2}, {2, 2}, int64);
  const Variable y = table(indices);
  EXPECT_EQ(y.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(y.value().at({1, 0, 1}), table.weight.value().at({2, 1}));
  auto result = value_and_grad(table, [&] { return sum(table(indices)); });
  EXPECT_EQ(result.gradients.list[0].to_vector<float>(), (std::vector<float>{1, 1, 0, 0, 3, 3}));
}

TEST(TimeEmbedding, IsMadeOfCosinesAndSines) {
  const SinusoidalEmbedding embed(6, 100, 10000);
  const Tensor y = embed(tensor({0, 0.25})).value();
  EXPECT_EQ(y.shape(), (Shape{2, 6}));
  for (int i = 0; i < 3; ++i) {
    const double frequency = 100 * std::pow(10000, -i / 2.0);
    EXPECT_EQ(y.at({0, i}), 1);
    EXPECT_EQ(y.at({0, i + 3}), 0);
    EXPECT_NEAR(y.at({1, i}), std::cos(0.25 * frequency), 1e-5);
    EXPECT_NEAR(y.at({1, i + 3}), std::sin(0.25 * frequency), 1e-5);
  }
  EXPECT_TRUE(contains(error_of([] { SinusoidalEmbedding(7); }), "width 7: expected an even number"));
}

TEST(Mlp, FinalGainZeroStartsAsZero) {
  Rng rng(1);
  const Mlp net({3, 16, 2}, rng, {.final_gain = 0});
  EXPECT_EQ(net(rng.normal({4, 3})).value().to_vector<float>(), std::vector<float>(8, 0));
  EXPECT_TRUE(contains(error_of([&] { Mlp({3}, rng); }), "mlp: 1 widths: expected at least two"));
}

}  // namespace
}  // namespace pf
