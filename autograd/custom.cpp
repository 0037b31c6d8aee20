#include "autograd/custom.h"

namespace pf {
namespace {

class CustomNode final : public Node {
 public:
  CustomNode(std::shared_ptr<const CustomOp::Definition> definition, std::span<const Variable> inputs,
             const Tensor& output)
      : Node(output), definition_(std::move(definition)), inputs_(inputs.begin(), inputs.end()) {}
  const char* name() const override { return definition_->name.c_str(); }
  std::span<const Variable> inputs() const override { return inputs_; }

  void vjp(const Tensor& g, Wanted wanted, std::span<Tensor> grads) const override {
    std::vector<Variable> constants;
    for (const Variable& x : inputs_) constants.push_back(stop_gradient(x));
    const std::vector<Variable> found = rule(constants, Variable(output()), Variable(g));
    for (size_t i = 0; i < grads.size(); ++i)
      if (i >= 32 || wanted[int(i)]) grads[i] = found[i].value();
  }
  void vjp(const Variable& g, Wanted wanted, std::span<Variable> grads) const override {
    const std::vector<Variable> found = rule(inputs_, self(), g);
    for (size_t i = 0; i < grads.size(); ++i)
      if (i >= 32 || wanted[int(i)]) grads[i] = found[i];
  }
  Tensor jvp(std::span<const Tensor> tangents) const override {
    std::vector<Variable> constants;
    for (const Variable& x : inputs_) constants.push_back(stop_gradient(x));
    return transposed_vjp<Tensor>(output(), tangents,
                                  [&](const Variable& g) { return rule(constants, Variable(output()), g); });
  }
  Variable jvp(std::span<const Variable> tangents) const override {
    return transposed_vjp<Variable>(output(), tangents, [&](const Variable& g) { return rule(inputs_, self(), g); });
  }

 private:
  Variable self() const { return Variable(output(), NodePtr(const_cast<CustomNode*>(this))); }
  std::vector<Variable> rule(std::span<const Variable> x, const Variable& y, const Variable& g) const {
    std::vector<Variable> found = definition_->vjp(x, y, g);
    check(found.size() == inputs_.size(), name(), ": its derivative rule gave ", found.size(), " cotangents for ",
          inputs_.size(), " inputs");
    for (size_t i = 0; i < found.size(); ++i)
      check(!found[i].defined() || found[i].shape() == inputs_[i].shape(), name(), ": its derivative rule gave ",
            found[i].shape(), " for input ", i, " ", inputs_[i].shape(), ": shapes must agree");
    return found;
  }

  std::shared_ptr<const CustomOp::Definition> definition_;
  std::vector<Variable> inputs_;
};

}  // namespace

CustomOp::CustomOp(std::string name, Eval eval, Vjp vjp, const std::vector<Tensor>& samples,
                   const GradcheckOptions& options)
    : definition_(std::make_shared<Definition>(std::move(name), std::move(eval), std::move(vjp))) {
  check(!samples.empty(), definition_->name,
        ": no sample inputs: expected one for each input, to check the derivative at");
  const GradcheckReport report = gradcheck([this](std::span<const Variable> x) { return call(x); }, samples, options);
  check(report.ok(), definition_->name, ": the derivative rule is wrong: ", report);
}

Variable CustomOp::call(std::span<const Variable> x) const {
  std::vector<Tensor> values;
  bool any = false;
  for (const Variable& in : x) {
    values.push_back(in.value());
    any |= in.tracked();
  }
  Tensor y = definition_->eval(values);
  check(y.defined(), definition_->name, ": its eval gave an empty Tensor handle back");
  if (anomaly_detection()) report_first_nan(definition_->name.c_str(), x, y);
  if (!any || !is_floating(y.dtype())) return Variable(std::move(y));
  Node* node = new CustomNode(definition_, x, y);
  return Variable(std::move(y), NodePtr(node));
}

}  // namespace pf
