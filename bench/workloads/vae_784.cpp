#include "bench/workloads/workload.h"
#include "nn/loss.h"
#include "nn/mlp.h"
#include "tensor/ops/exponential.h"

namespace pf::bench {
namespace {

struct Autoencoder {
  Mlp encoder, decoder;
  explicit Autoencoder(Rng& rng)
      : encoder({784, 400, 40}, rng, {.activation = Activation::relu}),
        decoder({20, 400, 784}, rng, {.activation = Activation::relu}) {}
  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
  }
};

/// 784-400-(20, 20) and 20-400-784 (ReLU), batch 128, Bernoulli likelihood and KL in closed form.
class Vae784 final : public Training {
 public:
  Vae784() {
    train(parameters_of(model_));
    floor.add_mlp(128, {784, 400, 40}, GemmFloor::Backward::weights);
    floor.add_mlp(128, {20, 400, 784}, GemmFloor::Backward::weights_and_input);
  }

 private:
  Variable loss() override {
    const auto [mean, log_variance] = chunk<2>(model_.encoder(batch_));
    const Variable code = mean + exp(log_variance * 0.5) * rng_.normal({128, 20});
    const Variable likelihood = bernoulli_log_prob(batch_, model_.decoder(code));
    return pf::mean(kl_normal(mean, log_variance) - likelihood);
  }

  Variable batch_ = rng_.bernoulli(0.5, {128, 784});
  Autoencoder model_{rng_};
};

}  // namespace

std::unique_ptr<Workload> vae_784() { return std::make_unique<Vae784>(); }

}  // namespace pf::bench
