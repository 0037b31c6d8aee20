#pragma once
// The adversarial game: a critic D scores points, learning to give the data more than what the generator G makes, while
// the generator learns to be given more. Each game is a pair of losses, of d = D(x) and g = D(G(z)):
//
//                    critic                                          generator
//   non_saturating   softplus(−d) + softplus(g)                      softplus(−g)        Goodfellow et al. 2014, 1406.2661
//   least_squares    ½ (d − 1)² + ½ g²                               ½ (g − 1)²          Mao et al. 2016, 1611.04076
//   wasserstein      g − d                                           −g                  Arjovsky et al. 2017, 1701.07875
//   hinge            max(0, 1 − d) + max(0, 1 + g)                   −g                  Lim & Ye 2017, 1705.02894
//   relativistic     softplus(−(d − g))                              softplus(−(g − d))  Jolicoeur-Martineau 2018, 1807.00734
//
// What keeps the critic smooth: R1 and R2, γ/2 ‖∇D‖² at data and at samples (Mescheder et al. 2018, 1801.04406; with the
// relativistic game: R3GAN, Huang et al. 2025, 2501.05441); λ (‖∇D‖ − 1)² between the two (WGAN-GP, Gulrajani et al. 2017,
// 1704.00028); spectral normalisation of its layers (Miyato et al. 2018, 1802.05957). γ may fall in the course of training, as in
// R3GAN: a smooth critic finds the modes, a steep one draws their edges. Packing: the critic sees m points of one kind
// together, so that it sees missing variety (PacGAN, Lin et al. 2018, 1712.04086). Waves: it also takes sines and cosines of each
// coordinate, without which an MLP learns fine structure last (Tancik et al. 2020, 2006.10739).
//
// With a condition both players are told it: a sample and the point it is compared with have one context, penalties are on slopes
// in x alone, and packs are of points whose contexts are neighbours: of one class, where classes are the condition.

#include "models/objective.h"
#include "nn/linear.h"

namespace pf {

enum class Game { non_saturating, least_squares, wasserstein, hinge, relativistic };

struct GameSettings {
  Game game = Game::relativistic;
  double real_penalty = 0, fake_penalty = 0;  // γ of R1 and R2 at the start of training
  double penalty_left = 1;                    // the part of them that is left at its end
  double slope_penalty = 0;                   // λ of WGAN-GP
  bool spectral_norm = false;
  int64_t pack = 1;          // points that the critic sees together
  int64_t critic_steps = 1;  // for each step of the generator
  int64_t hidden = 128, depth = 3;
  bool smooth = false;  // SiLU in place of leaky ReLU
  int64_t waves = 0;    // sines and cosines of each coordinate: of periods 4, 2, 1 …
  int64_t context = 0;  // numbers of the condition
  AdamOptions adam{.beta1 = 0.5, .beta2 = 0.9};
};

/// A multilayer perceptron that gives each pack of points one score.
class Critic {
 public:
  Critic(int64_t width, const GameSettings& settings, Rng& rng);
  /// x: [n, width], n a multiple of the pack → [n / pack]. A pack is of rows that follow each other.
  Variable operator()(const Variable& x, const Tensor& context = {}) const;
  /// One step of power iteration for each layer: what spectral normalisation divides by follows the weights. The directions
  /// keep their memory (`overwrite` in tensor/capture.h).
  void follow_weights();
  static void fields(auto& self, auto&& visit) {
    visit("layers", self.layers_);
    visit("directions", self.directions_);
  }

 private:
  int64_t pack_, waves_, context_;
  bool smooth_;
  std::vector<Linear> layers_;
  std::vector<Tensor> directions_;  // [out] of each layer, about its left singular vector; none without normalisation
};

/// Mean critic loss of scores of data and of samples, without penalties, and the generator's.
Variable critic_loss(Game game, const Variable& real, const Variable& fake);
Variable generator_loss(Game game, const Variable& real, const Variable& fake);

class AdversarialGame final : public Objective {
 public:
  AdversarialGame(const Transform& generator, const GameSettings& settings, Rng& rng);
  std::string name() const override { return "generator's adversarial loss"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  Opponent* opponent() override { return &player_; }
  /// How often the critic gives a point of the data more than a sample: ½ where it cannot tell them apart.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  AdamOptions optimizer() const override { return player_.settings.adam; }
  void set_progress(double part) override;
  std::vector<Tensor> changing_numbers() const override { return {player_.penalty_left}; }
  const Critic& critic() const { return player_.critic; }

 private:
  struct Player final : Implements<Player, Opponent> {
    const Transform& generator;
    GameSettings settings;
    mutable Critic critic;                       // its power iteration goes on while it is evaluated in training
    Tensor penalty_left = full({}, 1, float64);  // of the penalties on slopes, as set_progress says

    Player(const Transform& g, const GameSettings& s, Rng& rng)
        : generator(g), settings(s), critic(g.width(), s, rng) {}
    Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
    int64_t steps() const override { return settings.critic_steps; }
    static void fields(auto& self, auto&& visit) { visit("critic", self.critic); }
  };
  Player player_;
};

}  // namespace pf
