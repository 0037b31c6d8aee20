#include "nn/optim/slots.h"

namespace pf {

void OptimizerSlots::prepare(std::span<const Field> parameters) {
  size_t count = 0;
  for (const Field& field : parameters) count += field.parameter != nullptr;
  if (tensors.empty()) {
    tensors.resize(names.size());
    for (auto& slot : tensors)
      for (const Field& field : parameters)
        if (field.parameter) slot.push_back(zeros_like(field.value()));
    return;
  }
  for (const auto& slot : tensors) {
    check(slot.size() == count, optimizer, ": ", count, " parameters: expected the ", slot.size(),
          " of the first step");
    size_t i = 0;
    for (const Field& field : parameters) {
      if (!field.parameter) continue;
      const Tensor& held = slot[i++];
      check(held.shape() == field.value().shape() && held.dtype() == field.value().dtype(), optimizer, ": `",
            field.path, "` is ", field.value().shape(), " ", field.value().dtype(), ": expected ", held.shape(), " ",
            held.dtype(), " as at the first step");
    }
  }
}

NamedTensors OptimizerSlots::state(std::span<const Field> parameters) const {
  NamedTensors out;
  out.add(optimizer + ".steps", from_span(std::span<const int64_t>(&steps, 1), {}));
  for (size_t k = 0; k < tensors.size(); ++k) {
    size_t i = 0;
    for (const Field& field : parameters)
      if (field.parameter) out.add(join(optimizer, ".", names[k], ".", field.path), tensors[k].at(i++));
  }
  return out;
}

void OptimizerSlots::load_state(std::span<const Field> parameters, const NamedTensors& state) {
  OptimizerSlots loaded{.optimizer = optimizer, .names = names};
  const Tensor& count = state.at(optimizer + ".steps");
  check(count.dtype() == int64 && count.numel() == 1 && count.item() >= 0, optimizer, ".steps: ", count.dtype(), " ",
        count.shape(), ": expected one int64, 0 or more");
  loaded.steps = int64_t(count.item());
  if (loaded.steps > 0) {
    loaded.prepare(parameters);
    for (size_t k = 0; k < names.size(); ++k) {
      size_t i = 0;
      for (const Field& field : parameters) {
        if (!field.parameter) continue;
        const std::string name = join(optimizer, ".", names[k], ".", field.path);
        const Tensor& stored = state.at(name);
        Tensor& slot = loaded.tensors[k][i++];
        check(stored.shape() == slot.shape() && stored.dtype() == slot.dtype(), name, ": ", stored.shape(), " ",
              stored.dtype(), ": expected ", slot.shape(), " ", slot.dtype());
        slot = to_device(stored, field.value().device());
      }
    }
  }
  *this = std::move(loaded);
}

void check_gradients(const std::string& optimizer, std::span<const Field> parameters, const Gradients& gradients) {
  size_t count = 0;
  for (const Field& field : parameters) count += field.parameter != nullptr;
  check(gradients.list.size() == count, optimizer, ": ", gradients.list.size(), " gradients for ", count,
        " parameters: expected those of the same list");
  size_t i = 0;
  for (const Field& field : parameters) {
    if (!field.parameter) continue;
    const Tensor &value = field.value(), &gradient = gradients.list[i++];
    check(gradient.shape() == value.shape() && gradient.dtype() == value.dtype(), optimizer, ": gradient ",
          gradient.shape(), " ", gradient.dtype(), " for `", field.path, "` ", value.shape(), " ", value.dtype(),
          ": expected the same");
  }
}

}  // namespace pf
