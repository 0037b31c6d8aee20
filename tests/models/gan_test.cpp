// What is known of adversarial games and of inversion by optimisation, beside the laws.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "models/gan/game.h"
#include "models/gan/generator.h"
#include "models/inversion.h"
#include "nn/gradients.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

Variable scores(double value) { return Variable(full({4}, value, float64)); }

TEST(Games, AreAtTheirKnownValueWhereTheCriticCannotTell) {
  const double ln2 = std::numbers::ln2;
  EXPECT_NEAR(critic_loss(Game::non_saturating, scores(0), scores(0)).item(), 2 * ln2, 1e-12);
  EXPECT_NEAR(critic_loss(Game::relativistic, scores(3), scores(3)).item(), ln2, 1e-12);
  EXPECT_NEAR(critic_loss(Game::least_squares, scores(0.5), scores(0.5)).item(), 0.25, 1e-12);
  EXPECT_NEAR(critic_loss(Game::hinge, scores(0), scores(0)).item(), 2, 1e-12);
  EXPECT_NEAR(critic_loss(Game::wasserstein, scores(7), scores(7)).item(), 0, 1e-12);
}

// N(0, 1) against N(1, 1): the best critic's score is log p − log q = ½ − x, its loss 2 ln 2 − 2 JS = 1.16345.
TEST(Games, TheBestCriticOfTwoGaussiansHasItsKnownLoss) {
  Rng rng(1);
  const int64_t n = 400000;
  const Tensor x = rng.normal({n}, float64), y = rng.normal({n}, float64) + 1.0;
  const double loss = critic_loss(Game::non_saturating, Variable(0.5 - x), Variable(0.5 - y)).item();
  EXPECT_NEAR(loss, 1.16345, 5e-3);
}

// The Dirac-GAN of Mescheder et al. (2018): data at 0, samples at θ, D(x) = ψ x. With R1 the gradient field of the game
// has the Jacobian [[0, ½], [−½, γ]] at the equilibrium (for descent on both losses), so its derivatives run through the
// penalty's own.
TEST(Games, TheDiracGanTurnsAsItsEigenvaluesSay) {
  const double gamma = 0.7;
  auto field = [&](const Variable& state) {  // (θ, ψ) → gradients of their losses
    const Variable theta = slice(state, 0, 0, 1), psi = slice(state, 0, 1, 2);
    const Variable critic =
        mean(softplus(Variable(zeros({1}, float64)) * psi) + softplus(psi * theta)) + sum(square(psi)) * (gamma / 2);
    const Variable generator = generator_loss(Game::non_saturating, psi * 0.0, psi * theta);
    return std::pair(slice(recorded_grad(generator, state), 0, 0, 1), slice(recorded_grad(critic, state), 0, 1, 2));
  };
  const Variable origin = tracked(zeros({2}, float64));
  const auto [by_theta, by_psi] = field(origin);
  const Tensor first = grad(sum(by_theta), origin), second = grad(sum(by_psi), origin);
  EXPECT_NEAR(slice(first, 0, 0, 1).item(), 0, 1e-12);
  EXPECT_NEAR(slice(first, 0, 1, 2).item(), -0.5, 1e-12);
  EXPECT_NEAR(slice(second, 0, 0, 1).item(), 0.5, 1e-12);
  EXPECT_NEAR(slice(second, 0, 1, 2).item(), gamma, 1e-12);
}

TEST(Games, SpectralNormalisationFollowsTheLargestSingularValue) {
  Rng rng(3);
  Critic critic(2, {.spectral_norm = true, .hidden = 16, .depth = 2}, rng);
  for (int i = 0; i < 200; ++i) critic.follow_weights();
  // A network of layers with norm 1 and leaky ReLUs is 1-Lipschitz.
  const Tensor x = rng.normal({500, 2}), y = rng.normal({500, 2});
  const Tensor change = abs((critic(x) - critic(y)).value()), distance = norm(x - y, -1);
  EXPECT_LE(max(change / distance).item(), 1 + 1e-4);
}

TEST(Games, APackIsSeenAsOne) {
  Rng rng(4);
  const Critic critic(2, {.pack = 3, .hidden = 8, .depth = 1}, rng);
  EXPECT_EQ(critic(rng.normal({12, 2})).shape(), Shape{4});
  const Generator generator(2, 2, 8, 1, rng);
  const AdversarialGame game(generator, {.pack = 3, .hidden = 8, .depth = 1}, rng);
  EXPECT_EQ(testing::error_of([&] {
              game.loss(rng.normal({2, 2}), rng);
            }),
            "gan: a batch of 2 rows is less than one pack of 3; use a larger --batch");
}

TEST(Inversion, FindsThePointsOfAMapAgain) {
  Rng rng(5);
  const Generator generator(2, 2, 32, 2, rng);
  const Tensor x = generator.push(Variable(rng.normal({64, 2}))).value();
  const Inversion found = invert_by_optimisation(generator, x);
  // Near a fold of the map the search may end on the other side of it.
  EXPECT_LT(mean(found.residual).item(), 1e-3);
  EXPECT_LT(max(found.residual).item(), 2e-2);
  EXPECT_LT(max(abs(norm(generator.push(Variable(found.z)).value() - x, -1) - found.residual)).item(), 1e-5);
}

TEST(Inversion, IsNearestWhereThereIsNoPreimage) {
  const Affine line(full({2}, 1.0, float64), zeros({2}, float64));
  Rng rng(6);
  const Tensor x = rng.normal({10, 2}, float64);
  const Inversion found = invert_by_optimisation(line, x);
  EXPECT_LT(max(norm(found.z - x, -1)).item(), 2e-3);
}

}  // namespace
}  // namespace pf
