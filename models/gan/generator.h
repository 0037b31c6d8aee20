#pragma once
// Generative adversarial networks (Goodfellow et al. 2014, arXiv 1406.2661): x = G(z) for any network G. The map has no
// inverse and no density; what brings it to the data compares samples only, by a critic that learns to tell them apart
// (game.h) or by a distance between samples (two_sample.h).

#include "models/transform.h"
#include "nn/mlp.h"

namespace pf {

class Generator final : public Implements<Generator, Transform> {
 public:
  /// A multilayer perceptron from N(0, I) on R^latent to R^width, with `depth` hidden layers. context: numbers of the
  /// condition, further inputs of the network.
  Generator(int64_t width, int64_t latent, int64_t hidden, int64_t depth, Rng& rng, int64_t context = 0,
            Activation activation = Activation::silu);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return net_.out(); }
  Traits traits() const override { return {.same_width = base_.width() == width(), .reconstructs = false}; }
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  /// By optimisation: a base point whose image is near x.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) { visit("net", self.net_); }

 private:
  const char* family() const override { return "gan"; }
  Normal base_;
  int64_t context_;
  Mlp net_;
};

}  // namespace pf
