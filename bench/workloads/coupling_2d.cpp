#include "bench/workloads/workload.h"
#include "models/flow/coupling.h"
#include "models/objective.h"

namespace pf::bench {
namespace {

/// Maximum likelihood of 256 fixed points under a stack of couplings, each with a conditioner 1-64-64-outputs (ReLU).
class Coupling2d final : public Training {
 public:
  Coupling2d(const CouplingSettings& settings, int64_t outputs) : model_(2, settings, rng_) {
    train(parameters_of(model_));
    // The first conditioner sees the data, which needs no gradient.
    for (int64_t i = 0; i < settings.layers; ++i)
      floor.add_mlp(256, {1, 64, 64, outputs},
                    i ? GemmFloor::Backward::weights_and_input : GemmFloor::Backward::weights);
  }

 private:
  Variable loss() override { return objective_.loss(batch_, rng_); }

  Tensor batch_ = rng_.normal({256, 2});
  CouplingFlow model_;
  MaximumLikelihood objective_{model_};
};

}  // namespace

/// 8 affine couplings, scale exp(-tanh s).
std::unique_ptr<Workload> realnvp_2d() {
  return std::make_unique<Coupling2d>(CouplingSettings{.kind = CouplingKind::affine, .layers = 8, .hidden = 64}, 2);
}
/// 4 rational-quadratic splines of 8 bins on (-3, 3).
std::unique_ptr<Workload> nsf_2d() {
  return std::make_unique<Coupling2d>(
      CouplingSettings{.kind = CouplingKind::spline, .layers = 4, .hidden = 64, .bins = 8, .bound = 3}, 23);
}

}  // namespace pf::bench
