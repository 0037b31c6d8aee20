#include "nn/init.h"

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "nn/activation.h"
#include "nn/masked_linear.h"
#include "nn/mlp.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

double variance(const Tensor& x) { return mean(square(x)).item() - std::pow(mean(x).item(), 2); }
double largest(const Tensor& x) {
  double out = 0;
  for (float v : x.to_vector<float>()) out = std::max(out, double(std::abs(v)));
  return out;
}

TEST(Init, FanCountsTheKernel) {
  EXPECT_EQ(fan_of({20, 30}).in, 30);
  EXPECT_EQ(fan_of({20, 30}).out, 20);
  EXPECT_EQ(fan_of({20, 30, 3, 5}).in, 450);
  EXPECT_EQ(fan_of({20, 30, 3, 5}).out, 300);
  EXPECT_TRUE(contains(error_of([] { fan_of({3}); }), "init: a weight [3] has no fan-in"));
}

TEST(Init, Variances) {
  Rng rng(1);
  const Shape shape = {300, 200};
  struct {
    const char* name;
    Tensor weight;
    double variance;
    bool bounded;
  } cases[] = {{"kaiming_uniform", kaiming_uniform(shape, rng), 2.0 / 200, true},
               {"kaiming_normal", kaiming_normal(shape, rng, 3), 9.0 / 200, false},
               {"lecun_uniform", lecun_uniform(shape, rng), 1.0 / 200, true},
               {"lecun_normal", lecun_normal(shape, rng), 1.0 / 200, false},
               {"xavier_uniform", xavier_uniform(shape, rng), 2.0 / 500, true},
               {"xavier_normal", xavier_normal(shape, rng, 2), 8.0 / 500, false}};
  for (const auto& c : cases) {
    const double sigma = std::sqrt(c.variance);
    EXPECT_NEAR(mean(c.weight).item(), 0, 4 * sigma / std::sqrt(60000.0)) << c.name;
    EXPECT_NEAR(variance(c.weight) / c.variance, 1, 0.03) << c.name;
    if (c.bounded) EXPECT_LE(largest(c.weight), sigma * std::sqrt(3.0) * (1 + 1e-6)) << c.name;
    else EXPECT_GT(largest(c.weight), sigma * 3) << c.name;
  }
  EXPECT_EQ(largest(kaiming_uniform(shape, rng, 0)), 0);
}

TEST(Init, OrthogonalRowsOrColumns) {
  Rng rng(1);
  for (const Shape& shape : {Shape{5, 5}, Shape{3, 8}, Shape{8, 3}, Shape{4, 2, 3, 3}, Shape{1, 1}}) {
    const Tensor w = orthogonal(shape, rng, 1.5, float64);
    EXPECT_EQ(w.shape(), shape);
    const Tensor m = reshape(w, {shape[0], shape.numel() / shape[0]});
    const Tensor product = m.size(0) <= m.size(1) ? matmul(m, transpose(m)) : matmul(transpose(m), m);
    const Tensor error = product - eye(product.size(0), float64) * 2.25;
    EXPECT_LT(std::sqrt(sum(square(error)).item()), 1e-13) << to_string(shape);
  }
}

TEST(Init, SeedsDecide) {
  Rng a(1), b(1), c(2);
  const auto first = lecun_normal({4, 4}, a).to_vector<float>();
  EXPECT_EQ(first, lecun_normal({4, 4}, b).to_vector<float>());
  EXPECT_NE(first, lecun_normal({4, 4}, c).to_vector<float>());
  EXPECT_NE(first, lecun_normal({4, 4}, a).to_vector<float>());
}

TEST(Init, GainsKeepTheSizeOfASignal) {
  const int points = 20001;
  const Tensor z = linspace(-10, 10, points, float64);
  const Tensor density = exp(square(z) * -0.5) * (20.0 / (points - 1) / std::sqrt(2 * M_PI));
  for (int i = 0; i <= int(Activation::softplus); ++i) {
    const Activation activation = Activation(i);
    const double moment = sum(square(activate(activation, Variable(z)).value()) * density).item();
    EXPECT_NEAR(gain_of(activation) * std::sqrt(moment), 1, 1e-5) << to_string(activation);
  }
  // And so through a deep network the size stays of order one.
  Rng rng(4);
  const Tensor x = rng.normal({256, 64});
  for (Activation activation : {Activation::relu, Activation::silu, Activation::tanh, Activation::gelu}) {
    const Mlp deep({64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64}, rng, {.activation = activation});
    const double size = std::sqrt(mean(square(deep(x).value())).item());
    EXPECT_GT(size, 0.3) << to_string(activation);
    EXPECT_LT(size, 3.5) << to_string(activation);
  }
}

TEST(Init, MaskedRowsCountWhatTheySee) {
  Rng rng(1);
  Tensor allowed = zeros({2, 1000});
  for (int i = 0; i < 1000; ++i)
    allowed.mutable_data<float>()[i] = i < 250, allowed.mutable_data<float>()[1000 + i] = 1;
  const MaskedLinear layer(allowed, rng);
  const Tensor weight = layer.weight.value();
  EXPECT_NEAR(sum(square(slice(weight, 0, 0, 1))).item(), 1, 0.15);
  EXPECT_NEAR(sum(square(slice(weight, 0, 1, 2))).item(), 1, 0.15);
  EXPECT_EQ(largest(slice(slice(weight, 0, 0, 1), 1, 250, 1000)), 0);
}

TEST(Activation, Names) {
  for (int i = 0; i <= int(Activation::softplus); ++i)
    EXPECT_EQ(parse_activation(to_string(Activation(i))), Activation(i));
  EXPECT_EQ(error_of([] { parse_activation("reul"); }),
            "activation: unknown name 'reul': expected one of identity, relu, leaky_relu, elu, selu, silu, gelu, tanh, "
            "sigmoid, "
            "softplus; did you mean 'relu'?");
}

}  // namespace
}  // namespace pf
