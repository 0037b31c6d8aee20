#include "bench/workloads/workload.h"
#include "nn/loss.h"
#include "nn/masked_linear.h"
#include "tensor/ops/activations.h"

namespace pf::bench {
namespace {

/// A masked autoencoder: output i sees inputs 0 … i - 1 only.
struct Made {
  MaskedLinear first, second;

  explicit Made(Rng& rng) : Made(degrees(784, 784), degrees(500, 783), rng) {}
  Variable operator()(const Variable& x) const { return second(relu(first(x))); }
  static void fields(auto& self, auto&& visit) {
    visit("first", self.first);
    visit("second", self.second);
  }

 private:
  Made(const std::vector<int64_t>& visible, const std::vector<int64_t>& hidden, Rng& rng)
      : first(degree_mask(visible, hidden), rng), second(degree_mask(hidden, visible, true), rng) {}
  /// 1, 2, … largest, and from 1 again.
  static std::vector<int64_t> degrees(int64_t count, int64_t largest) {
    std::vector<int64_t> out;
    for (int64_t i = 0; i < count; ++i) out.push_back(i % largest + 1);
    return out;
  }
};

/// 784-500-784 (ReLU) with masks on both layers, batch 128, Bernoulli likelihood.
class Made784 final : public Training {
 public:
  Made784() {
    train(parameters_of(model_));
    floor.add_mlp(128, {784, 500, 784}, GemmFloor::Backward::weights);
  }

 private:
  Variable loss() override { return -mean(bernoulli_log_prob(batch_, model_(batch_))); }

  Variable batch_ = rng_.bernoulli(0.5, {128, 784});
  Made model_{rng_};
};

}  // namespace

std::unique_ptr<Workload> made_784() { return std::make_unique<Made784>(); }

}  // namespace pf::bench
