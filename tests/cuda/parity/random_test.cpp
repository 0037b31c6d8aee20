// Random numbers of the device are those of the CPU, bit for bit but for the rounding of the normal ones, and generators
// move on as far.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "nn/init.h"
#include "tensor/ops/comparison.h"
#include "tensor/random.h"

namespace pf {
namespace {

struct RandomDraw {
  const char* name;
  std::function<Tensor(Rng&, const Shape&)> draw;
  double tolerance;
};

const RandomDraw all_draws[] = {
    {"uniform, float32", [](Rng& rng, const Shape& s) { return rng.uniform(s, float32); }, 0},
    {"uniform, float64", [](Rng& rng, const Shape& s) { return rng.uniform(s, float64); }, 0},
    {"normal, float32", [](Rng& rng, const Shape& s) { return rng.normal(s, float32); }, 3e-6},
    {"normal, float64", [](Rng& rng, const Shape& s) { return rng.normal(s, float64); }, 1e-14},
    {"bernoulli, float32", [](Rng& rng, const Shape& s) { return rng.bernoulli(0.3, s, float32); }, 0},
    {"bernoulli, float64", [](Rng& rng, const Shape& s) { return rng.bernoulli(0.3, s, float64); }, 0},
    {"bernoulli, int64", [](Rng& rng, const Shape& s) { return rng.bernoulli(0.3, s, int64); }, 0},
    {"bernoulli, bool", [](Rng& rng, const Shape& s) { return rng.bernoulli(0.3, s, boolean); }, 0},
    {"rademacher, float32", [](Rng& rng, const Shape& s) { return rng.rademacher(s, float32); }, 0},
    {"rademacher, float64", [](Rng& rng, const Shape& s) { return rng.rademacher(s, float64); }, 0},
    {"integers", [](Rng& rng, const Shape& s) { return rng.integers(1000003, s); }, 0},
    {"permutation", [](Rng& rng, const Shape& s) { return rng.permutation(s.numel()); }, 0},
    {"orthogonal",
     [](Rng& rng, const Shape& s) {
       return orthogonal({s.numel(), 3}, rng);
     },
     0},
    {"kaiming_uniform",
     [](Rng& rng, const Shape& s) {
       return kaiming_uniform({s.numel(), 3}, rng);
     },
     0},
};

TEST(RandomParity, draws_are_those_of_the_cpu) {
  const Device device = Device::cuda();
  for (const RandomDraw& one : all_draws)
    for (const Shape& shape :
         {Shape{}, Shape{1}, Shape{3}, Shape{31}, Shape{32}, Shape{7, 37}, Shape{1025}, Shape{0}}) {
      Rng here({0x123456789abcdef0u, 0xfedcba9876543210u, (uint64_t(1) << 32) - 7}), there(here.state());
      const Tensor expected = one.draw(here, shape);
      const UseDevice on(device);
      const Tensor found = one.draw(there, shape);
      const std::string what = join(one.name, " ", shape);
      ASSERT_EQ(found.device(), device) << what;
      ASSERT_EQ(found.shape(), expected.shape()) << what;
      ASSERT_EQ(found.dtype(), expected.dtype()) << what;
      EXPECT_EQ(here.state(), there.state()) << what;
      const auto a = cast(expected, float64).to_vector<double>(), b = cast(found, float64).to_vector<double>();
      for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], one.tolerance) << what << ", element " << i;
    }
}

}  // namespace
}  // namespace pf
