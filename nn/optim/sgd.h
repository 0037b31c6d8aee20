#pragma once
#include "nn/optim/slots.h"

namespace pf {

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;  // added to the gradient: the derivative of decay/2 · |p|²
};

/// Stochastic gradient descent:  m ← μ m + g,  p ← p - rate · m  (with Nesterov's momentum: rate · (g + μ m)).
class Sgd final : public Optimizer {
 public:
  explicit Sgd(SgdOptions options = {});
  void update(std::span<const Field> parameters, const Gradients& gradients, double rate) override;
  NamedTensors state(std::span<const Field> parameters) const override { return slots_.state(parameters); }
  void load_state(std::span<const Field> parameters, const NamedTensors& state) override {
    slots_.load_state(parameters, state);
  }

 private:
  SgdOptions options_;
  OptimizerSlots slots_;
};

}  // namespace pf
