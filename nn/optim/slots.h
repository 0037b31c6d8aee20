#pragma once
// What optimisers share: tensors that accompany each parameter (momentum, mean square …) and the number of steps.

#include "nn/optim/optimizer.h"

namespace pf {

/// Some tensors of each parameter's shape, by name, and how many steps were made. Empty before the first step.
struct OptimizerSlots {
  std::string optimizer;                // "adam": the first part of every name in the state
  std::vector<std::string> names = {};  // {"mean", "square"}
  int64_t steps = 0;
  std::vector<std::vector<Tensor>> tensors = {};  // [slot][parameter]

  /// Makes zeros at the first step; later checks that the parameters are still the same.
  void prepare(std::span<const Field> parameters);
  /// adam.steps, adam.mean.layers.0.weight, …
  NamedTensors state(std::span<const Field> parameters) const;
  void load_state(std::span<const Field> parameters, const NamedTensors& state);
};

/// Throws unless there is one gradient for each parameter, of its shape and element type.
void check_gradients(const std::string& optimizer, std::span<const Field> parameters, const Gradients& gradients);

}  // namespace pf
