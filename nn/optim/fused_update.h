#pragma once
// The loop of an optimiser's fused pass. For the sources of optimisers only: it brings the SIMD types.

#include <array>
#include <deque>

#include "nn/optim/device_update.h"
#include "nn/optim/rules.h"
#include "nn/optim/slots.h"
#include "nn/optim/vector_loop.h"
#include "tensor/device_pass.h"

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
  void* raw() {
    value_ = writable(std::move(value_));
    return value_.mutable_raw();
  }
  const Tensor& value() const { return value_; }

 private:
  Variable& home_;
  Tensor value_;
};

namespace detail {
/// The same on a GPU: all parameters by one launch.
template <size_t slot_count, class Rule, class WhichRule>
void update_on_device(OptimizerSlots& slots, std::span<const Field> parameters, const Gradients& gradients,
                      cuda::Update kind, const std::array<Rule, 2>& rules, const WhichRule& which_rule) {
  UpdateTargets targets;
  std::deque<TakenParameter> taken;
  std::vector<Tensor> held;
  size_t i = 0;
  for (const Field& field : parameters) {
    if (!field.parameter) continue;
    const Tensor& gradient = held.emplace_back(contiguous(gradients.list[i]));
    const int rule = which_rule(*field.parameter);
    TakenParameter& parameter = taken.emplace_back(*field.parameter);
    const Device device = parameter.value().device();
    if (gradient.device() != device)
      check_same_device(join(slots.optimizer, ": `", field.path, "` and its gradient"), parameter.value(), gradient);
    void *p = parameter.raw(), *g = const_cast<void*>(gradient.raw());
    std::array<void*, 2> s{};
    for (size_t k = 0; k < slot_count; ++k) {
      Tensor& slot = slots.tensors[k][i];
      if (slot.device() != device) slot = to_device(slot, device);
      slot = writable(std::move(slot));
      s[k] = slot.mutable_raw();
    }
    targets.add(gradient.dtype(), gradient.numel(), {p, g, s[0], s[1]}, device, rule);
    ++i;
  }
  targets.update(kind, rules.data(), 2);
}
}  // namespace detail

/// The fused pass: one reading and writing of a parameter, its gradient and its slots by rule(p, g, slots…), the first
/// or the second rule as which_rule(parameter) says.
template <size_t slot_count, class Rule, class WhichRule>
void update_fused(OptimizerSlots& slots, std::span<const Field> parameters, const Gradients& gradients,
                  cuda::Update kind, const std::array<Rule, 2>& rules, const WhichRule& which_rule) {
  check_gradients(slots.optimizer, parameters, gradients);
  slots.prepare(parameters);
  ++slots.steps;
  for (const Tensor& gradient : gradients.list)
    if (gradient.device().is_cuda())
      return detail::update_on_device<slot_count>(slots, parameters, gradients, kind, rules, which_rule);
  size_t i = 0;
  for (const Field& field : parameters) {
    if (!field.parameter) continue;
    const Rule& rule = rules[size_t(which_rule(*field.parameter))];
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
