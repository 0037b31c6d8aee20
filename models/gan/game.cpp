#include "models/gan/game.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/engine.h"
#include "models/context.h"
#include "models/waves.h"
#include "nn/activation.h"
#include "tensor/capture.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/index.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/recording.h"

namespace pf {
namespace {

constexpr double slope = 0.2;  // of the leaky ReLU, below zero

Tensor unit(const Tensor& x) { return x / (norm(x) + 1e-12); }

/// Rows and their contexts in the order in which they are packed.
struct Packed {
  Tensor rows, context;
};

/// As many rows as make whole packs. Points with neighbouring contexts come to lie next to each other.
Packed packed(const Tensor& rows, const Tensor& context, const GameSettings& s) {
  const int64_t n = rows.size(0) / s.pack * s.pack;
  check(n > 0, "gan: a batch of ", rows.size(0), " rows is less than one pack of ", s.pack, "; use a larger --batch");
  const Tensor given = context_rows("gan", context, rows.size(0), s.context, rows.dtype());
  Packed out = n == rows.size(0) ? Packed{rows, given}
                                 : Packed{slice(rows, 0, 0, n), s.context > 0 ? slice(given, 0, 0, n) : Tensor()};
  if (s.context == 0 || s.pack == 1) return out;
  const auto sorted = [n, width = s.context](const Tensor& contexts) {
    const std::vector<double> numbers = cast(contiguous(contexts), float64).to_vector<double>();
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const auto row = [&](int64_t i) { return numbers.begin() + i * width; };
      return std::lexicographical_compare(row(a), row(a + 1), row(b), row(b + 1));
    });
    return from_span<int64_t>(order, {n});
  };
  const Tensor index = detail::replayable_on_host(sorted, out.context);
  return {index_select(out.rows, 0, index), index_select(out.context, 0, index)};
}

/// Mean over the rows of ‖∇D‖², recorded: its derivative runs through the critic's own.
Variable squared_slope(const Critic& critic, const Tensor& at, const Tensor& context) {
  const Variable x = tracked(at);
  return sum(square(recorded_grad(sum(critic(x, context)), x))) / double(at.size(0));
}

}  // namespace

Critic::Critic(int64_t width, const GameSettings& settings, Rng& rng)
    : pack_(settings.pack), waves_(settings.waves), context_(settings.context), smooth_(settings.smooth) {
  check(settings.pack >= 1, "gan: a pack of ", settings.pack, " points: expected at least 1");
  for (int64_t i = 0; i <= settings.depth; ++i) {
    const int64_t inputs = (waves_width(width, waves_) + context_) * pack_;
    const int64_t in = i == 0 ? inputs : settings.hidden, out = i == settings.depth ? 1 : settings.hidden;
    layers_.emplace_back(in, out, rng);
    if (settings.spectral_norm) directions_.push_back(unit(rng.normal({out})));
  }
}

void Critic::follow_weights() {
  for (size_t i = 0; i < directions_.size(); ++i) {
    const Tensor& weight = layers_[i].weight.value();
    const Tensor next = unit(matmul(weight, unit(matmul(transpose(weight), directions_[i]))));
    // In their place, and as part of what is recorded: a replayed step takes its step of the iteration, too.
    detail::replayable([](const Tensor& to, const Tensor& from) { overwrite(to, from); }, directions_[i], next);
  }
}

Variable Critic::operator()(const Variable& x, const Tensor& context) const {
  const int64_t n = x.size(0) / pack_;
  Variable h = with_context("critic", with_waves(x, waves_, 4), context, context_);
  if (pack_ > 1) h = reshape(h, {n, pack_ * h.size(1)});
  for (size_t i = 0; i < layers_.size(); ++i) {
    Variable weight = layers_[i].weight;
    if (!directions_.empty()) {
      // σ = uᵀ W v with u and v held still
      const Tensor& u = directions_[i];
      const Tensor v = unit(matmul(transpose(weight.value()), u));
      weight = weight / sum(matmul(weight, Variable(v)) * Variable(u));
    }
    h = linear(h, weight, layers_[i].bias);
    if (i + 1 < layers_.size()) h = smooth_ ? silu(h) : leaky_relu(h, slope);
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

// All of the fall is in the first four fifths of the training.
void AdversarialGame::set_progress(double part) {
  const double left = std::pow(player_.settings.penalty_left, std::min(1.0, part / 0.8));
  Tensor& kept = player_.penalty_left;
  if (!(kept.device() == default_device())) kept = full({}, left, float64);
  else overwrite(kept, full({}, left, float64));
}

Variable AdversarialGame::Player::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const auto [real, given] = packed(batch, context, settings);
  const Tensor fake = generator.push(generator.base().sample(real.size(0), rng, real.dtype()), given).value();
  critic.follow_weights();
  Variable total = critic_loss(settings.game, critic(real, given), critic(fake, given));
  const auto weight = [&](double penalty) { return Variable(cast(penalty_left * (penalty / 2), real.dtype())); };
  if (settings.real_penalty > 0) total = total + squared_slope(critic, real, given) * weight(settings.real_penalty);
  if (settings.fake_penalty > 0) total = total + squared_slope(critic, fake, given) * weight(settings.fake_penalty);
  if (settings.slope_penalty > 0) {
    const Variable between = tracked(real + rng.uniform({real.size(0), 1}, real.dtype()) * (fake - real));
    const Variable slopes = norm(recorded_grad(sum(critic(between, given)), between), -1);
    total = total + mean(square(slopes - 1)) * settings.slope_penalty;
  }
  return total;
}

Variable AdversarialGame::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const auto [real, given] = packed(batch, context, player_.settings);
  const Variable fake = player_.generator.push(player_.generator.base().sample(real.size(0), rng, real.dtype()), given);
  return generator_loss(player_.settings.game, player_.critic(real, given), player_.critic(fake, given));
}

std::vector<VitalSign> AdversarialGame::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const auto [real, given] = packed(batch, context, player_.settings);
  const Tensor fake =
      player_.generator.push(player_.generator.base().sample(real.size(0), rng, real.dtype()), given).value();
  const Tensor d = player_.critic(real, given).value(), g = player_.critic(fake, given).value();
  // Scores under different conditions have no common scale: then only those of one condition are compared.
  const double told = given.defined() ? mean(cast(d > g, float64)).item()
                                      : mean(cast(unsqueeze(d, 1) > unsqueeze(g, 0), float64)).item();
  return {
      {"critic prefers data", told, told > 0.95 ? join("the critic wins: ", int(told * 100), " % told apart") : ""}};
}

}  // namespace pf
