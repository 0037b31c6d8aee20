// Games between Gaussians and on a single point, where the best critic and the eigenvalues of the game are known.

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "models/assignment.h"
#include "models/gan/game.h"
#include "models/gan/generator.h"
#include "models/metrics/exact_w2.h"
#include "models/squared_distances.h"
#include "nn/gradients.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/index.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/models/lattice.h"
#include "tests/models/set_field.h"

namespace pf {
namespace {

using testing::set_field;

// p = N(0, 1), q = N(1, 1), the expectations over quantiles.
TEST(TwoGaussians, TheBestLogitHasTheLossOfTheJensenShannonDivergence) {
  const Tensor x = normal_quantiles(100000), y = x + 1.0;
  auto logit = [](const Tensor& at) {  // log p − log q
    return Normal(1).log_density(Variable(at)).value() - Normal(1).log_density(Variable(at - 1.0)).value();
  };
  EXPECT_NEAR(max(abs(logit(x) - reshape(0.5 - x, {100000}))).item(), 0, 1e-12);
  const double loss = critic_loss(Game::non_saturating, Variable(logit(x)), Variable(logit(y))).item();
  EXPECT_NEAR(loss, 1.16345, 1e-5);
  EXPECT_NEAR(std::numbers::ln2 - loss / 2, 0.11142, 1e-5);  // JS
}

TEST(TwoGaussians, AShiftByOneIsADistanceOfOne) {
  const Tensor x = normal_quantiles(200), y = x + 1.0;
  EXPECT_NEAR(exact_w2(x, y).value, 1, 1e-9);
  const Tensor cost = sqrt(squared_distances(x, y));
  EXPECT_NEAR(mean(abs(x - index_select(y, 0, assign(cost)))).item(), 1, 1e-9);  // W₁
}

// A linear critic is enough for the log-ratio: training finds slope −1 and intercept ½.
TEST(TwoGaussians, ALinearCriticLearnsTheLogRatio) {
  Rng rng(1);
  Critic critic(1, {.depth = 0}, rng);
  for (Field& field : fields_of(critic)) *field.parameter = Variable(cast(field.value(), float64));
  const Tensor x = normal_quantiles(2000), y = x + 1.0;
  const std::vector<Field> parameters = parameters_of(critic);
  Adam adam;
  for (int step = 0; step < 400; ++step) {
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
      return critic_loss(Game::non_saturating, critic(Variable(x)), critic(Variable(y)));
    });
    adam.update(parameters, gradients, step < 300 ? 0.05 : 0.005);
  }
  const Tensor at = critic(Variable(tensor({0, 1}, {2, 1}, float64))).value();
  EXPECT_NEAR(at.at({0}), 0.5, 2e-3);
  EXPECT_NEAR(at.at({1}) - at.at({0}), -1, 2e-3);
}

/// The Dirac-GAN of Mescheder et al. (2018, arXiv 1801.04406, section 2): data at 0, samples at θ, D(x) = ψ x, both updated
/// at once by the gradients of their own losses. A linear generator and a linear critic play it, with R1 of weight γ.
struct DiracGan {
  Rng rng{2};
  Generator generator{1, 1, 1, 0, rng};
  AdversarialGame game;
  explicit DiracGan(double gamma)
      : game(generator, {.game = Game::non_saturating, .real_penalty = gamma, .depth = 0}, rng) {
    set_field(generator, "net.layers.0.weight", zeros({1, 1}));  // no spread
    set_field(*game.opponent(), "critic.layers.0.bias", zeros({1}));
  }
  /// (dθ, dψ): descent of the two losses.
  std::array<double, 2> field(double theta, double psi) {
    set_field(generator, "net.layers.0.bias", full({1}, theta, float64));
    set_field(*game.opponent(), "critic.layers.0.weight", full({1, 1}, psi, float64));
    const Tensor data = zeros({4, 1}, float64);
    const auto by_theta = value_and_grad(
        generator, [&] { return game.loss(data, rng); }, "net.layers.0.bias");
    const auto by_psi = value_and_grad(
        *game.opponent(), [&] { return game.opponent()->loss(data, rng); }, "critic.layers.0.weight");
    return {-by_theta.gradients.list[0].item(), -by_psi.gradients.list[0].item()};
  }
};

TEST(DiracGan, TheEigenvaluesOfTheGameAreTheKnownOnes) {
  using Complex = std::complex<double>;
  struct Known {
    double gamma;
    Complex first, second;
  };
  for (const Known& known : {Known{0, {0, 0.5}, {0, -0.5}},
                             {0.1, {-0.05, 0.49749}, {-0.05, -0.49749}},
                             {1, {-0.5, 0}, {-0.5, 0}},
                             {2, {-0.13397, 0}, {-1.86603, 0}}}) {
    DiracGan gan(known.gamma);
    double j[2][2];
    const double h = 1e-5;
    for (int column = 0; column < 2; ++column) {
      const double theta = column == 0 ? h : 0, psi = column == 1 ? h : 0;
      const auto plus = gan.field(theta, psi), minus = gan.field(-theta, -psi);
      for (size_t row = 0; row < 2; ++row) j[row][column] = (plus[row] - minus[row]) / (2 * h);
    }
    EXPECT_NEAR(j[0][1], 0.5, 1e-8);
    EXPECT_NEAR(j[1][0], -0.5, 1e-8);
    EXPECT_NEAR(j[1][1], -known.gamma, 1e-8);
    const Complex half = (j[0][0] + j[1][1]) / 2;
    Complex root = std::sqrt(half * half - (j[0][0] * j[1][1] - j[0][1] * j[1][0]));
    if (root.imag() < 0) root = -root;
    // A double eigenvalue moves as the square root of an error in the matrix.
    EXPECT_LT(std::abs(half + root - known.first), 2e-4) << known.gamma;
    EXPECT_LT(std::abs(half - root - known.second), 2e-4) << known.gamma;
  }
}

TEST(DiracGan, SimultaneousDescentSpiralsOutUnlessThePenaltyHoldsIt) {
  for (double gamma : {0.0, 0.5}) {
    DiracGan gan(gamma);
    double theta = 0.4, psi = 0;
    for (int step = 0; step < 150; ++step) {
      const auto [by_theta, by_psi] = gan.field(theta, psi);
      theta += 0.2 * by_theta;
      psi += 0.2 * by_psi;
    }
    const double distance = std::hypot(theta, psi);
    if (gamma == 0) {
      EXPECT_GT(distance, 0.5);
    } else {
      EXPECT_LT(distance, 0.05);
    }
  }
}

}  // namespace
}  // namespace pf
