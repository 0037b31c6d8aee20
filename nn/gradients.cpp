#include "nn/gradients.h"

#include "nn/optim/device_update.h"
#include "nn/optim/rules.h"
#include "nn/optim/vector_loop.h"
#include "tensor/ops/arithmetic.h"

namespace pf {

Gradients& Gradients::operator+=(const Gradients& other) {
  check(list.size() == other.list.size(), "gradients: ", list.size(), " and ", other.list.size(),
        " tensors: expected two of the same parameters");
  for (size_t i = 0; i < list.size(); ++i) list[i] = list[i] + other.list[i];
  return *this;
}

Gradients& Gradients::scale(double factor) {
  const ScaleRule<double> rule{factor};
  UpdateTargets on_device;
  for (Tensor& gradient : list) {
    gradient = writable(std::move(gradient));
    if (gradient.device().is_cuda()) {
      on_device.add(gradient.dtype(), gradient.numel(), {gradient.mutable_raw()}, gradient.device());
      continue;
    }
    dispatch_floating(gradient.dtype(), "scale", [&]<class T>() {
      T* g = gradient.mutable_data<T>();
      vector_loop<T>(gradient.numel(), [&](auto at) {
        auto value = at.load(g);
        rule(value);
        at.store(value, g);
      });
    });
  }
  on_device.update(cuda::Update::scale, &rule);
  return *this;
}

TrackParameters::TrackParameters(std::span<const Field> fields) : fields_(fields) {
  leaves_.reserve(fields.size());
  before_.reserve(fields.size());
  for (const Field& field : fields)
    if (field.parameter) leaves_.push_back(tracked(field.parameter->value(), field.path));
  size_t i = 0;
  for (const Field& field : fields)
    if (field.parameter) before_.push_back(std::exchange(*field.parameter, leaves_[i++]));
}

TrackParameters::~TrackParameters() {
  size_t i = 0;
  for (const Field& field : fields_) {
    if (!field.parameter) continue;
    // Inside another such object the parameter returns to that one's node; else it keeps its value and loses the node.
    Variable& before = before_[i++];
    *field.parameter = before.tracked() ? std::move(before) : Variable(field.parameter->value());
  }
}

Gradients TrackParameters::gradients(Variable loss, WalkOptions options) const {
  return {grad(std::move(loss), leaves_, options)};
}

}  // namespace pf
