#include "models/flow/stack.h"

#include "models/context.h"

namespace pf {

FlowStack::FlowStack(int64_t width, std::vector<std::unique_ptr<FlowLayer>> layers, int64_t steps, double inverse_error,
                     int64_t context)
    : base_(width), layers_(std::move(layers)), steps_(steps), context_(context), inverse_error_(inverse_error) {
  check(!layers_.empty(), "flow: 0 layers: expected at least 1");
}

Traits FlowStack::traits() const {
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::exact,
          .steps = steps_,
          .inverse_error = inverse_error_};
}

Mapped FlowStack::run(const Variable& input, const Tensor& context, bool pulling,
                      std::vector<Tensor>* positions) const {
  check_rows(pulling ? "flow pull" : "flow push", input.shape(), width());
  const Tensor rows = context_rows("flow", context, input.size(0), context_, input.dtype());
  Mapped at{input, {}};
  for (size_t step = 0; step < layers_.size(); ++step) {
    const size_t i = pulling ? step : layers_.size() - 1 - step;
    const Mapped next = within(
        "layers", i, [&] { return pulling ? layers_[i]->pull(at.value, rows) : layers_[i]->push(at.value, rows); });
    at = {next.value, at.log_det.defined() ? at.log_det + next.log_det : next.log_det};
    if (positions) positions->push_back(at.value.value());
  }
  return at;
}

std::vector<Tensor> FlowStack::path(const Tensor& z, const Tensor& context) const {
  std::vector<Tensor> positions{z};
  run(Variable(z), context, false, &positions);
  return positions;
}

}  // namespace pf
