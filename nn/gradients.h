#pragma once
// Differentiating with respect to a module's parameters. Outside of these functions a parameter has no node, so
// evaluating a model records nothing; inside, each parameter is a starting point labelled with its path.
//
//   const std::vector<Field> parameters = parameters_of(model);             // once
//   auto [loss, gradients] = value_and_grad(parameters, [&] { return objective(model, batch); });
//   optimizer.update(parameters, clip_by_norm(std::move(gradients), 1.0), rate);

#include <span>
#include <vector>

#include "autograd/engine.h"
#include "nn/module.h"

namespace pf {

/// One gradient for every parameter, in the order of the list they were asked for.
struct Gradients {
  std::vector<Tensor> list;
  /// Adds, for gradients gathered over several batches.
  Gradients& operator+=(const Gradients& other);
  /// Multiplies every gradient, in its own memory where nobody else holds it.
  Gradients& scale(double factor);
};

/// While this object lives the parameters are tracked, each under a fresh node; afterwards, also after an exception, they
/// are constants again. For steps with several losses or with gradients of gradients; otherwise use value_and_grad.
class TrackParameters {
 public:
  /// Buffers in the list are passed over. The list and the module must outlive this object.
  explicit TrackParameters(std::span<const Field> fields);
  ~TrackParameters();
  TrackParameters(const TrackParameters&) = delete;
  TrackParameters& operator=(const TrackParameters&) = delete;

  /// The tracked parameters, in order, for use with `grad` and its relatives.
  std::span<const Variable> leaves() const { return leaves_; }
  /// Of a one-element loss. A parameter that does not influence it is an error that names it, unless allowed. A loss that
  /// is moved in is taken apart on the way, so that the memory of activations serves the gradients.
  Gradients gradients(Variable loss, WalkOptions options = {}) const;

 private:
  std::span<const Field> fields_;
  std::vector<Variable> leaves_;
  std::vector<Variable> before_;
};

struct LossAndGradients {
  Tensor loss;
  Gradients gradients;
};

/// The value of f() and its gradient with respect to the parameters of the list.
template <class F>
requires std::convertible_to<std::invoke_result_t<F>, Variable> LossAndGradients
value_and_grad(std::span<const Field> parameters, F&& f, WalkOptions options = {}) {
  TrackParameters tracking(parameters);
  Variable loss = f();
  const Tensor value = loss.value();
  return {value, tracking.gradients(std::move(loss), options)};
}
/// For a module, or what lies below a path of it. Makes the list anew: in a loop, make it once.
template <AnyModule M, class F>
requires(!std::is_const_v<M>) LossAndGradients
    value_and_grad(M& module, F&& f, std::string_view below = {}, WalkOptions options = {}) {
  const std::vector<Field> parameters = parameters_of(module, below);
  return value_and_grad(std::span<const Field>(parameters), f, options);
}

}  // namespace pf
