// Networks that compute on 16 bits: what they give is close to what they give on 32, its type and that of all gradients is
// float32, and outside of the scope nothing is different.

#include "nn/precision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "nn/gradients.h"
#include "nn/mlp.h"
#include "nn/transformer.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

double largest(const Tensor& x) {
  double out = 0;
  for (float v : to_device(contiguous(x), Device::cpu()).to_vector<float>()) out = std::max(out, std::abs(double(v)));
  return out;
}

template <class Network> void check_network(const Network& net, const Tensor& x, DType precision) {
  Network copy = net;
  const std::vector<Field> parameters = parameters_of(copy);
  const auto loss = [&] { return mean(copy(Variable(x)) * copy(Variable(x))); };
  const Tensor plain = copy(Variable(x)).value();
  const auto [expected, wide] = value_and_grad(std::span<const Field>(parameters), loss);
  {
    const NetworkPrecision scope(precision);
    const Tensor y = copy(Variable(x)).value();
    EXPECT_EQ(y.dtype(), float32);
    EXPECT_GT(largest(y - plain), 0) << "it computed in float32";
    EXPECT_LE(largest(y - plain), (precision == bfloat16 ? 0.05 : 0.01) * largest(plain));
    const auto [found, gradients] = value_and_grad(std::span<const Field>(parameters), loss);
    EXPECT_EQ(found.dtype(), float32);
    for (size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_EQ(gradients.list[i].dtype(), float32) << parameters[i].path;
      EXPECT_EQ(parameters[i].value().dtype(), float32) << parameters[i].path;
      EXPECT_LE(largest(gradients.list[i] - wide.list[i]), 0.1 * largest(wide.list[i]) + 1e-3) << parameters[i].path;
    }
    // What computes in double precision is left alone.
    const Network fine = cast_module(net, float64);
    EXPECT_EQ(fine(Variable(cast(x, float64))).dtype(), float64);
  }
  EXPECT_EQ(network_precision(), float32);
  EXPECT_EQ(largest(copy(Variable(x)).value() - plain), 0);
}

class NetworksIn : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, NetworksIn, ::testing::Values(bfloat16, float16),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_P(NetworksIn, an_mlp) {
  Rng rng(1);
  check_network(Mlp({3, 32, 32, 2}, rng, {.layer_norm = true}), rng.normal({16, 3}), GetParam());
}
TEST_P(NetworksIn, a_transformer) {
  Rng rng(2);
  check_network(CausalTransformer({.length = 6, .width = 16, .heads = 2, .blocks = 2}, rng), rng.normal({4, 6, 16}),
                GetParam());
}
TEST_P(NetworksIn, with_dropout) {
  Rng rng(3);
  const Mlp net({3, 32, 2}, rng, {.dropout = 0.5});
  const Tensor x = rng.normal({8, 3});
  Rng one = rng, other = rng;
  const Tensor plain = net(Variable(x), one).value();
  const NetworkPrecision scope(GetParam());
  const Tensor y = net(Variable(x), other).value();
  EXPECT_LE(largest(y - plain), 0.05 * largest(plain)) << "the same units are dropped";
}

TEST(NetworkPrecision, nests_and_refuses) {
  const NetworkPrecision outer(bfloat16);
  {
    const NetworkPrecision inner(float32);
    EXPECT_EQ(network_precision(), float32);
  }
  EXPECT_EQ(network_precision(), bfloat16);
  EXPECT_EQ(testing::error_of([] { NetworkPrecision wrong(int64); }),
            "precision: networks in int64: expected float32, bfloat16 or float16");
}

}  // namespace
}  // namespace pf
