#include "models/flow_matching/flow_matching.h"

#include "bench/workloads/workload.h"

namespace pf::bench {
namespace {

/// The velocity field 3-128-128-128-2 with SiLU, 256 pairs of points drawn in the step.
class FlowMatching2d final : public Training {
 public:
  FlowMatching2d() {
    train(parameters_of(model_));
    floor.add_mlp(256, {3, 128, 128, 128, 2}, GemmFloor::Backward::weights);
  }

 private:
  Variable loss() override { return objective_.loss(rng_.normal({256, 2}), rng_); }

  FlowMatching model_{2, {.hidden = 128, .depth = 3, .frequencies = 0}, rng_};
  VelocityMatching objective_{model_, Pairing::independent};
};

/// No gradient: 2048 points through 50 Euler steps of the same field.
class OdeSample2d final : public Workload {
 public:
  OdeSample2d() {
    for (int i = 0; i < 50; ++i) floor.add_mlp(2048, {3, 128, 128, 128, 2}, GemmFloor::Backward::none);
  }

 private:
  std::vector<Tensor> compute() override { return {model_.push(Variable(rng_.normal({2048, 2}))).value()}; }
  std::vector<Tensor> parameters() const override {
    std::vector<Tensor> out;
    for (const ConstField& field : fields_of(model_)) out.push_back(field.value());
    return out;
  }

  FlowMatching model_{
      2, {.hidden = 128, .depth = 3, .frequencies = 0, .sampling = {.method = OdeMethod::euler, .steps = 50}}, rng_};
};

}  // namespace

std::unique_ptr<Workload> flow_matching_2d() { return std::make_unique<FlowMatching2d>(); }
std::unique_ptr<Workload> ode_sample_2d() { return std::make_unique<OdeSample2d>(); }

}  // namespace pf::bench
