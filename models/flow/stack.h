#pragma once
#include "models/flow/layer.h"

namespace pf {

/// Layers one after the other, on R^width with base N(0, I). Pulling runs them from first to last, pushing from last to
/// first; log-determinants add.
class FlowStack final : public Implements<FlowStack, Transform> {
 public:
  /// steps: network evaluations, one after the other, for one sample; inverse_error: see Traits.
  /// context: numbers of the condition that the layers were made for; 0: none.
  FlowStack(int64_t width, std::vector<std::unique_ptr<FlowLayer>> layers, int64_t steps, double inverse_error = 1e-9,
            int64_t context = 0);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override {
    return push_with_log_det(z, context).value;
  }
  Variable pull(const Variable& x, const Tensor& context = {}) const override {
    return pull_with_log_det(x, context).value;
  }
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override {
    return run(z, context, false, nullptr);
  }
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override {
    return run(x, context, true, nullptr);
  }
  /// One position a layer.
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;

  static void fields(auto& self, auto&& visit) { visit("layers", self.layers_); }

 private:
  const char* family() const override { return "flow"; }
  Mapped run(const Variable& input, const Tensor& context, bool pulling, std::vector<Tensor>* positions) const;

  Normal base_;
  std::vector<std::unique_ptr<FlowLayer>> layers_;
  int64_t steps_, context_;
  double inverse_error_;
};

}  // namespace pf
