#include "models/gan/game.h"

#include <cmath>

#include "autograd/engine.h"
#include "nn/activation.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

constexpr double slope = 0.2;  // of the leaky ReLU, below zero

Tensor unit(const Tensor& x) { return x / (norm(x) + 1e-12); }

/// As many rows as make whole packs.
Tensor whole_packs(const Tensor& rows, int64_t pack) {
  const int64_t n = rows.size(0) / pack * pack;
  check(n > 0, "gan: a batch of ", rows.size(0), " rows is less than one pack of ", pack, "; use a larger --batch");
  return n == rows.size(0) ? rows : slice(rows, 0, 0, n);
}

/// Mean over the rows of ‖∇D‖², recorded: its derivative runs through the critic's own.
Variable squared_slope(const Critic& critic, const Tensor& at) {
  const Variable x = tracked(at);
  return sum(square(recorded_grad(sum(critic(x)), x))) / double(at.size(0));
}

}  // namespace

Critic::Critic(int64_t width, const GameSettings& settings, Rng& rng) : pack_(settings.pack) {
  check(settings.pack >= 1, "gan: a pack of ", settings.pack, " points: expected at least 1");
  for (int64_t i = 0; i <= settings.depth; ++i) {
    const int64_t in = i == 0 ? width * pack_ : settings.hidden, out = i == settings.depth ? 1 : settings.hidden;
    layers_.emplace_back(in, out, rng);
    if (settings.spectral_norm) directions_.push_back(unit(rng.normal({out})));
  }
}

void Critic::follow_weights() {
  for (size_t i = 0; i < directions_.size(); ++i) {
    const Tensor& weight = layers_[i].weight.value();
    directions_[i] = unit(matmul(weight, unit(matmul(transpose(weight), directions_[i]))));
  }
}

Variable Critic::operator()(const Variable& x) const {
  const int64_t n = x.size(0) / pack_;
  Variable h = pack_ == 1 ? x : reshape(x, {n, pack_ * x.size(1)});
  for (size_t i = 0; i < layers_.size(); ++i) {
    Variable weight = layers_[i].weight;
    if (!directions_.empty()) {
      // σ = uᵀ W v with u and v held still
      const Tensor& u = directions_[i];
      const Tensor v = unit(matmul(transpose(weight.value()), u));
      weight = weight / sum(matmul(weight, Variable(v)) * Variable(u));
    }
    h = linear(h, weight, layers_[i].bias);
    if (i + 1 < layers_.size()) h = leaky_relu(h, slope);
  }
  return reshape(h, {n});
}

Variable critic_loss(Game game, const Variable& real, const Variable& fake) {
  switch (game) {
    case Game::non_saturating:
      return mean(softplus(-real)) + mean(softplus(fake));
    case Game::least_squares:
      return mean(square(real - 1)) * 0.5 + mean(square(fake)) * 0.5;
    case Game::wasserstein:
      return mean(fake) - mean(real);
    case Game::hinge:
      return mean(relu(1 - real)) + mean(relu(1 + fake));
    case Game::relativistic:
      return mean(softplus(fake - real));
  }
  fail("gan: unknown game ", int(game));
}

Variable generator_loss(Game game, const Variable& real, const Variable& fake) {
  switch (game) {
    case Game::non_saturating:
      return mean(softplus(-fake));
    case Game::least_squares:
      return mean(square(fake - 1)) * 0.5;
    case Game::wasserstein:
    case Game::hinge:
      return -mean(fake);
    case Game::relativistic:
      return mean(softplus(real - fake));
  }
  fail("gan: unknown game ", int(game));
}

AdversarialGame::AdversarialGame(const Transform& generator, const GameSettings& settings, Rng& rng)
    : player_(generator, settings, rng) {}

Variable AdversarialGame::Player::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Tensor real = whole_packs(batch, settings.pack);
  const Tensor fake = generator.push(generator.base().sample(real.size(0), rng, real.dtype())).value();
  critic.follow_weights();
  Variable total = critic_loss(settings.game, critic(real), critic(fake));
  if (settings.real_penalty > 0) total = total + squared_slope(critic, real) * (settings.real_penalty / 2);
  if (settings.fake_penalty > 0) total = total + squared_slope(critic, fake) * (settings.fake_penalty / 2);
  if (settings.slope_penalty > 0) {
    const Variable between = tracked(real + rng.uniform({real.size(0), 1}, real.dtype()) * (fake - real));
    const Variable slopes = norm(recorded_grad(sum(critic(between)), between), -1);
    total = total + mean(square(slopes - 1)) * settings.slope_penalty;
  }
  return total;
}

Variable AdversarialGame::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Tensor real = whole_packs(batch, player_.settings.pack);
  const Variable fake = player_.generator.push(player_.generator.base().sample(real.size(0), rng, real.dtype()));
  return generator_loss(player_.settings.game, player_.critic(real), player_.critic(fake));
}

std::vector<VitalSign> AdversarialGame::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const Tensor real = whole_packs(batch, player_.settings.pack);
  const Tensor fake = player_.generator.push(player_.generator.base().sample(real.size(0), rng, real.dtype())).value();
  const Tensor d = player_.critic(real).value(), g = player_.critic(fake).value();
  const double told = mean(cast(unsqueeze(d, 1) > unsqueeze(g, 0), float64)).item();
  return {
      {"critic prefers data", told, told > 0.95 ? join("the critic wins: ", int(told * 100), " % told apart") : ""}};
}

}  // namespace pf
