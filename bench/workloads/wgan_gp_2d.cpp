#include "bench/workloads/workload.h"
#include "nn/mlp.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"

namespace pf::bench {
namespace {

/// A critic's step with gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028): the norm of the critic's gradient is
/// part of the loss, so backward runs through backward. Generator 2-128-128-128-2 (ReLU, not trained), critic
/// 2-128-128-128-1 (LeakyReLU), batch 256, penalty 10 (‖∇‖ - 1)² at random points between real and made ones.
class WganGp2d final : public Training {
 public:
  WganGp2d() {
    train(parameters_of(critic_));
    using enum GemmFloor::Backward;
    const std::vector<int64_t> widths{2, 128, 128, 128, 1};
    floor.add_mlp(256, {2, 128, 128, 128, 2}, none);
    floor.add_mlp(256, widths, weights);
    floor.add_mlp(256, widths, weights);
    floor.add_mlp(256, widths, none);
    // The gradient by the input, and backward through it: like a network run from the last layer to the first.
    for (size_t i = widths.size() - 1; i-- > 0;) floor.add_input_gradient(256, widths[i], widths[i + 1]);
    for (size_t i = 0; i + 1 < widths.size(); ++i) {
      floor.add_weight_gradient(256, widths[i], widths[i + 1]);
      if (i + 2 < widths.size()) floor.add_forward(256, widths[i], widths[i + 1]);
    }
  }

 private:
  Variable loss() override {
    const Tensor made = generator_(rng_.normal({256, 2})).value();
    const Variable between = tracked(made + rng_.uniform({256, 1}) * (real_ - made));
    const Variable slope = recorded_grad(sum(critic_(between)), between);
    return mean(critic_(made)) - mean(critic_(real_)) + mean(square(norm(slope, -1) - 1)) * 10;
  }

  Tensor real_ = rng_.normal({256, 2});
  Mlp generator_{{2, 128, 128, 128, 2}, rng_, {.activation = Activation::relu}};
  Mlp critic_{{2, 128, 128, 128, 1}, rng_, {.activation = Activation::leaky_relu}};
};

}  // namespace

std::unique_ptr<Workload> wgan_gp_2d() { return std::make_unique<WganGp2d>(); }

}  // namespace pf::bench
