#pragma once
// What every optimiser can do. The parameters are given at each call as the list that also gave the gradients.

#include "nn/gradients.h"
#include "tensor/safetensors.h"

namespace pf {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Moves the parameters against their gradients, in their own memory where nobody else looks at it.
  virtual void update(std::span<const Field> parameters, const Gradients& gradients, double rate) = 0;
  /// All that is needed to continue as if never interrupted, named by the paths of the parameters.
  virtual NamedTensors state(std::span<const Field> parameters) const = 0;
  virtual void load_state(std::span<const Field> parameters, const NamedTensors& state) = 0;
};

}  // namespace pf
