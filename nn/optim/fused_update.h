#pragma once
// The loop of an optimiser's fused pass. For the sources of optimisers only: it brings the SIMD types.

#include <array>

#include "nn/optim/slots.h"
#include "nn/optim/vector_loop.h"

namespace pf {

/// A parameter's value taken out for writing, and put back, changed or not, at the end of the scope.
class TakenParameter {
 public:
  explicit TakenParameter(Variable& home) : home_(home), value_(home.value()) { home_ = Variable(); }
  ~TakenParameter() { home_ = Variable(std::move(value_)); }
  TakenParameter(const TakenParameter&) = delete;
  TakenParameter& operator=(const TakenParameter&) = delete;
  template <class T> T* data() {
    value_ = writable(std::move(value_));
    return value_.mutable_data<T>();
  }

 private:
  Variable& home_;
  Tensor value_;
};

/// The fused pass: one reading and writing of a parameter, its gradient and its slots. `rule(p, g, slots…)` gets SIMD
/// vectors (numbers at the end of an array), changes p and the slots, and must compute with constants of its operands'
/// type: V(rate).
template <size_t slot_count, class MakeRule>
void update_fused(OptimizerSlots& slots, std::span<const Field> parameters, const Gradients& gradients,
                  const MakeRule& make_rule) {
  check_gradients(slots.optimizer, parameters, gradients);
  slots.prepare(parameters);
  ++slots.steps;
  size_t i = 0;
  for (const Field& field : parameters) {
    if (!field.parameter) continue;
    const auto rule = make_rule(*field.parameter);
    const Tensor gradient = contiguous(gradients.list[i]);
    TakenParameter parameter(*field.parameter);
    dispatch_floating(gradient.dtype(), slots.optimizer.c_str(), [&]<class T>() {
      T* p = parameter.data<T>();
      const T* g = gradient.data<T>();
      std::array<T*, slot_count> s;
      if constexpr (slot_count > 0)
        for (size_t k = 0; k < slot_count; ++k) {
          Tensor& slot = slots.tensors[k][i];
          slot = writable(std::move(slot));
          s[k] = slot.mutable_data<T>();
        }
      [&]<size_t... k>(std::index_sequence<k...>) {
        vector_loop<T>(gradient.numel(), [&](auto at) {
          auto value = at.load(p);
          auto held = std::array<decltype(value), slot_count>{at.load(s[k])...};
          rule(value, at.load(g), held[k]...);
          (at.store(held[k], s[k]), ...);
          at.store(value, p);
        });
      }
      (std::make_index_sequence<slot_count>{});
    });
    ++i;
  }
}

}  // namespace pf
