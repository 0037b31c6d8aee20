#include "models/flow/stack.h"

namespace pf {

FlowStack::FlowStack(int64_t width, std::vector<std::unique_ptr<FlowLayer>> layers, int64_t steps, double inverse_error)
    : base_(width), layers_(std::move(layers)), steps_(steps), inverse_error_(inverse_error) {
  check(!layers_.empty(), "flow: 0 layers: expected at least 1");
}

Traits FlowStack::traits() const {
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::exact,
          .steps = steps_,
          .inverse_error = inverse_error_};
}

Mapped FlowStack::run(const Variable& input, bool pulling, std::vector<Tensor>* positions) const {
  check_rows(pulling ? "flow pull" : "flow push", input.shape(), width());
  Mapped at{input, {}};
  for (size_t step = 0; step < layers_.size(); ++step) {
    const size_t i = pulling ? step : layers_.size() - 1 - step;
    const Mapped next =
        within("layers", i, [&] { return pulling ? layers_[i]->pull(at.value) : layers_[i]->push(at.value); });
    at = {next.value, at.log_det.defined() ? at.log_det + next.log_det : next.log_det};
    if (positions) positions->push_back(at.value.value());
  }
  return at;
}

std::vector<Tensor> FlowStack::path(const Tensor& z, const Tensor& context) const {
  std::vector<Tensor> positions{z};
  run(Variable(z), false, &positions);
  return positions;
}

}  // namespace pf
