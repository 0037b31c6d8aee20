#pragma once
#include "nn/optim/slots.h"

namespace pf {

struct AdamOptions {
  double beta1 = 0.9;    // memory of the mean gradient
  double beta2 = 0.999;  // memory of the mean square
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = true;  // decay shrinks the weights themselves (AdamW), not through the gradient's mean and square
  bool decay_vectors = true;  // false: only parameters with two axes or more decay, not biases and norms
};

/// Adam (Kingma and Ba 2014, arXiv 1412.6980) and AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101):
///   m ← β₁ m + (1 - β₁) g,  v ← β₂ v + (1 - β₂) g²,  p ← p - rate · m̂ / (√v̂ + ε),
/// where m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) undo the start from zero.
class Adam final : public Optimizer {
 public:
  explicit Adam(AdamOptions options = {});
  void update(std::span<const Field> parameters, const Gradients& gradients, double rate) override;
  NamedTensors state(std::span<const Field> parameters) const override { return slots_.state(parameters); }
  void load_state(std::span<const Field> parameters, const NamedTensors& state) override {
    slots_.load_state(parameters, state);
  }
  int64_t steps() const { return slots_.steps; }

 private:
  AdamOptions options_;
  OptimizerSlots slots_;
};

}  // namespace pf
