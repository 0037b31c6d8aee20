#pragma once
#include "nn/gradients.h"
#include "tensor/safetensors.h"

namespace pf {

/// An exponential moving average of a module's parameters:  a ← d a + (1 - d) p,  with d = min(decay, (1 + n)/(10 + n))
/// after n updates, so that the random start is forgotten soon. Buffers are taken over as they are. The average often
/// samples better than the last parameters do.
class Ema {
 public:
  /// Starts at the present values, without copying them.
  Ema(std::span<const Field> fields, double decay = 0.999, bool warm_up = true);

  /// After each step of the optimiser; the fields must be those of the constructor.
  void update(std::span<const Field> fields);
  /// A copy of the module with the averages in it.
  template <Module M> M averaged(const M& module) const {
    M out = module;
    store(fields_of(out));
    return out;
  }
  /// Puts the averages into the module.
  void store(std::span<const Field> fields) const;
  /// Exchanges averages and values; again to undo.
  void swap(std::span<const Field> fields);

  int64_t updates() const { return updates_; }
  double next_decay() const;
  /// ema.updates, ema.layers.0.weight, …
  NamedTensors state(std::span<const Field> fields) const;
  void load_state(std::span<const Field> fields, const NamedTensors& state);

 private:
  void check_fields(std::span<const Field> fields) const;

  double decay_;
  bool warm_up_;
  int64_t updates_ = 0;
  std::vector<Tensor> averages_;  // one a field, buffers included
};

}  // namespace pf
