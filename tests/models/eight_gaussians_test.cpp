// From N(0, I) to eight Gaussians on a circle of radius 5, deviation 1, by independent pairs: the field is a sum over modes
// with posterior weights. The protocol of Tong et al. 2023 (arXiv 2302.00482): pairs with noise 0.1, Euler steps, energy
// normalised by W₂².

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "autograd/apply.h"
#include "models/metrics/exact_w2.h"
#include "models/metrics/path_energy.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/random.h"
#include "tests/models/lattice.h"

namespace pf {
namespace {

struct EightGaussians {
  double sigma;  // of the noise around the paths
  static constexpr double radius = 5;
  Tensor centres = make_centres();  // [8, 2]

  static Tensor make_centres() {
    std::vector<double> c;
    for (int k = 0; k < 8; ++k)
      for (double f : {std::cos(k * std::numbers::pi / 4), std::sin(k * std::numbers::pi / 4)}) c.push_back(radius * f);
    return tensor(c, {8, 2}, float64);
  }
  /// Of mode k, x_t ~ N(t c_k, V) with V = (1 − t)² + t² + σ², and E[x₁ − x₀ | x_t, k] = c_k + (2t − 1)/V (x − t c_k).
  /// t: [n, 1].
  Tensor velocity(const Tensor& x, const Tensor& t) const {
    const Tensor variance = square(1 - t) + square(t) + sigma * sigma;
    // −‖x − t c_k‖²/2V, but for what all modes share
    const Tensor log_weights = t * matmul(x, transpose(centres)) / variance;
    const Tensor centre = matmul(softmax(log_weights, -1), centres);
    return centre + (2 * t - 1) / variance * (x - t * centre);
  }
  OdeField field() const {
    return [this](double t, const OdeState& x) {
      return OdeState{Variable(velocity(x[0].value(), full({1, 1}, t, float64)))};
    };
  }
};

TEST(EightGaussians, TheBestFieldHasTheKnownLoss) {
  Rng rng(1);
  const int64_t n = 100000;
  struct Known {
    double sigma, loss;
  };
  for (auto [sigma, known] : {Known{0, 10.735}, {0.1, 10.815}}) {
    const EightGaussians toy{sigma};
    const Tensor x0 = rng.normal({n, 2}, float64), t = rng.uniform({n, 1}, float64);
    const Tensor x1 = rng.normal({n, 2}, float64) + index_select(toy.centres, 0, rng.integers(8, {n}));
    const Tensor xt = (1 - t) * x0 + t * x1 + rng.normal({n, 2}, float64) * sigma;
    const Tensor error = sum(square(toy.velocity(xt, t) - (x1 - x0)), -1);
    EXPECT_NEAR(mean(error).item(), known, 4 * std::sqrt(var(error).item() / double(n))) << sigma;
  }
}

TEST(EightGaussians, EulersErrorsAreTheKnownOnes) {
  const EightGaussians toy{0.1};
  const Tensor z = normal_lattice();
  auto end = [&](const OdeOptions& options) {
    return solve_ode(toy.field(), {Variable(z)}, 0, 1, options).state[0].value();
  };
  const Tensor fine = end({.method = OdeMethod::euler, .steps = 1000});  // what the known errors are measured from
  struct Known {
    int64_t steps;
    double error;
  };
  for (auto [steps, known] :
       {Known{1, 5.17}, {2, 2.62}, {4, 1.25}, {8, 0.604}, {16, 0.299}, {32, 0.147}, {100, 0.044}}) {
    const Tensor miss = end({.method = OdeMethod::euler, .steps = steps}) - fine;
    EXPECT_NEAR(std::sqrt(mean(sum(square(miss), -1)).item()), known, 0.02 * known) << steps;
  }
}

TEST(EightGaussians, EnergyAndItsNormalisationAreTheKnownOnes) {
  const Tensor z = normal_lattice();
  const OdeOptions fine{.method = OdeMethod::rk4, .steps = 60};
  EXPECT_NEAR(path_energy(EightGaussians{0}.field(), z, fine).energy.value, 18.247, 0.06);
  const EightGaussians toy{0.1};
  const PathEnergy found = path_energy(toy.field(), z, fine);
  EXPECT_NEAR(found.energy.value, 18.197, 0.06);
  EXPECT_NEAR(found.displacement.value, 14.88, 0.15);
  // W₂² between the two laws, about 15, from as many points of each mode.
  Rng rng(2);
  const int64_t n = 400;
  const Tensor mode = cast(arange(0, double(n), 1, float64) * (8 / double(n)), int64);
  const Tensor x1 = rng.normal({n, 2}, float64) + index_select(toy.centres, 0, mode);
  const double w2 = exact_w2(index_select(z, 0, slice(rng.permutation(z.size(0)), 0, 0, n)), x1).value;
  EXPECT_NEAR(w2 * w2, 15, 0.7);
  EXPECT_NEAR(normalised_path_energy(found.energy.value, w2 * w2), 0.21, 0.04);
}

}  // namespace
}  // namespace pf
