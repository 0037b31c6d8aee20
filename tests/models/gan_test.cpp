// What is known of adversarial games and of inversion by optimisation, beside the laws.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "models/gan/drifting.h"
#include "models/gan/game.h"
#include "models/gan/generator.h"
#include "models/gan/two_sample.h"
#include "models/inversion.h"
#include "nn/gradients.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
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

TEST(Games, WavesShowTheCriticSinesAndCosines) {
  Rng rng(4);
  // Without hidden layers the score is linear in what the critic sees.
  const Critic critic(1, {.depth = 0, .waves = 2}, rng);
  const std::vector<double> w = cast(fields_of(critic)[0].value(), float64).to_vector<double>();
  ASSERT_EQ(w.size(), 5u);
  for (double x : {-1.3, 0.2, 2.0}) {
    const double h = std::numbers::pi / 2;
    const double expected = w[0] * x + w[1] * std::sin(h * x) + w[2] * std::cos(h * x) + w[3] * std::sin(2 * h * x) +
                            w[4] * std::cos(2 * h * x);
    EXPECT_NEAR(critic(Variable(full({1, 1}, x))).item(), expected, 1e-5);
  }
}

TEST(Games, ThePenaltyFallsInTheFirstFourFifths) {
  Rng rng(4);
  const Generator generator(2, 2, 8, 1, rng);
  const GameSettings settings{
      .game = Game::wasserstein, .real_penalty = 2, .penalty_left = 0.01, .hidden = 8, .depth = 1};
  AdversarialGame game(generator, settings, rng);
  const Tensor batch = rng.normal({16, 2});
  const auto at = [&](double progress) {
    game.set_progress(progress);
    Rng fixed(5);
    return game.opponent()->loss(batch, fixed).item();
  };
  const double bare = at(0) - 2 * (at(0) - at(0.4)) / (2 * (1 - 0.1));  // the loss without its penalty
  EXPECT_NEAR((at(0.8) - bare) / (at(0) - bare), 0.01, 1e-4);
  EXPECT_EQ(at(0.8), at(0.95));
}

// The context changes what the critic says, and a pack holds points of one class wherever the classes make whole packs.
TEST(Games, PacksAreOfOneClass) {
  Rng rng(4);
  const Generator generator(1, 1, 4, 1, rng, 2);
  // A linear critic of packs of two that sees only the difference of its two points' first context number.
  AdversarialGame game(generator, {.game = Game::wasserstein, .pack = 2, .depth = 0, .context = 2}, rng);
  for (Field& field : fields_of(*game.opponent()))
    if (field.parameter && field.value().rank() == 2) *field.parameter = Variable(tensor({0, 1, 0, 0, -1, 0}, {1, 6}));
  const Tensor mixed = tensor({1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1}, {8, 2});
  const Tensor points = rng.normal({8, 1});
  EXPECT_EQ(max(abs(game.critic()(Variable(points), mixed).value())).item(), 1);
  EXPECT_EQ(game.loss(points, rng, mixed).item(), 0);
}

TEST(Games, TheCriticNeedsItsCondition) {
  Rng rng(4);
  const Generator generator(2, 2, 4, 1, rng, 3);
  const AdversarialGame game(generator, {.hidden = 4, .depth = 1, .context = 3}, rng);
  const Tensor points = rng.normal({8, 2});
  EXPECT_TRUE(testing::contains(testing::error_of([&] { game.loss(points, rng); }), "needs a condition of 3 numbers"));
  const std::vector<VitalSign> signs = game.vital_signs(points, rng, rng.normal({8, 3}));
  ASSERT_EQ(signs.size(), 1u);
  EXPECT_GE(signs[0].value, 0);
  EXPECT_LE(signs[0].value, 1);
}

TEST(TwoSamples, TheSinkhornDivergenceOfAShiftIsItsSquare) {
  Rng rng(8);
  const Tensor x = rng.normal({20, 2}, float64), shift = tensor({0.6, -0.8}, {1, 2}, float64);
  for (double epsilon : {1.0, 3.0}) {
    EXPECT_NEAR(sinkhorn_divergence(Variable(x + shift), x, epsilon).item(), 1, 1e-8);
    EXPECT_NEAR(sinkhorn_divergence(Variable(x), x, epsilon).item(), 0, 1e-8);
  }
  // Its slope is that of |shift|², shared among the points.
  const Variable at = tracked(x + shift);
  const Tensor slope = sum(grad(sinkhorn_divergence(at, x, 1), at), 0);
  EXPECT_LT(max(abs(slope - reshape(shift, {2}) * 2.0)).item(), 1e-7);
}

TEST(TwoSamples, ManyContextsAreComparedEachForItself) {
  // Data: x = ±1 by class. A generator that takes the classes for each other has the right x, but not the right pairs.
  Rng rng(9);
  const int64_t n = 60;
  std::vector<double> codes, signs;
  for (int64_t i = 0; i < n; ++i) {
    const bool first = i % 2 == 0;
    codes.insert(codes.end(), {double(first), double(!first)});
    signs.push_back(first ? 1 : -1);
  }
  const Tensor classes = tensor(codes, {n, 2}, float64), sign = tensor(signs, {n, 1}, float64);
  Generator generator(1, 1, 1, 0, rng, 2);
  const auto with = [&](double first, double second) {
    for (Field& field : fields_of(generator))
      *field.parameter =
          Variable(field.value().rank() == 2 ? tensor({0.1, first, second}, {1, 3}, float64) : zeros({1}, float64));
  };
  const Tensor data = sign + rng.normal({n, 1}, float64) * 0.1;
  for (TwoSample distance : {TwoSample::mmd, TwoSample::energy, TwoSample::sliced, TwoSample::sinkhorn}) {
    const TwoSampleLoss loss(generator, distance, {.epsilon = 1});
    with(1, -1);
    const double right = loss.loss(data, rng, classes).item();
    with(-1, 1);
    const double swapped = loss.loss(data, rng, classes).item();
    EXPECT_GT(swapped, 0.2) << loss.name();
    EXPECT_LT(std::abs(right), 0.05 * swapped) << loss.name();
  }
}

// A Gaussian p = N(μ, s²) seen through a Gaussian kernel of bandwidth h: V_p(x) = −h² (x − μ) / (s² + h²).
TEST(Drifting, TheMeanShiftToAGaussianIsTheKnownOne) {
  Rng rng(10);
  const Tensor y = rng.normal({400000, 1}, float64) * 0.6 + 1.0, x = tensor({0.3, 1.0, 1.9}, {3, 1}, float64);
  const Tensor shift = mean_shift(x, y, DriftKernel::gaussian, 0.7);
  EXPECT_NEAR(shift.at({0, 0}), 0.4035, 2e-3);
  EXPECT_LT(max(abs(shift - (1.0 - x) * (0.49 / (0.36 + 0.49)))).item(), 3e-3);
}

TEST(Drifting, DataAndSamplesTradePlacesAndTheDriftTurnsAround) {
  Rng rng(11);
  const Tensor x = rng.normal({30, 2}, float64), p = rng.normal({40, 2}, float64) + 1.0,
               q = rng.normal({40, 2}, float64);
  for (DriftKernel kernel : {DriftKernel::laplace, DriftKernel::gaussian}) {
    const Tensor drift = balanced_drift(x, p, q, kernel, 0.5);
    EXPECT_LT(max(abs(drift + balanced_drift(x, q, p, kernel, 0.5))).item(), 1e-12);
    EXPECT_LT(max(abs(balanced_drift(x, p, p, kernel, 0.5))).item(), 1e-12);
    EXPECT_GT(mean(drift).item(), 0.01);  // towards the data
  }
}

TEST(Drifting, TheLossIsTheSquaredDriftAndItsSlopeLeadsThere) {
  Rng rng(12);
  Generator generator(2, 2, 1, 0, rng);
  for (Field& field : fields_of(generator)) *field.parameter = Variable(cast(field.value(), float64));
  const Tensor data = rng.normal({50, 2}, float64) + 2.0;
  const DriftingLoss objective(generator, {.bandwidths = {0.5}});
  auto [loss, gradients] = value_and_grad(generator, [&] {
    Rng fixed(13);
    return objective.loss(data, fixed);
  });
  Rng fixed(13);
  const Tensor x = generator.push(generator.base().sample(50, fixed, float64)).value();
  const Tensor drift = balanced_drift(x, data, x, DriftKernel::laplace, 0.5, {}, eye(50, float64) * 1e12);
  EXPECT_NEAR(loss.item(), sum(square(drift)).item() / 50, 1e-12);
  EXPECT_LT(max(abs(gradients.list[1] + mean(drift, 0) * 2.0)).item(), 1e-12);  // of the bias
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
