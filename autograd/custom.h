#pragma once
// Operations of a user's own. The derivative is written on variables, so it can be differentiated again, and it is
// checked against differences before the operation can be used once: a wrong rule never gets into a training run.
//
//   const CustomOp swish("swish", [](auto x) { return x[0] * sigmoid(x[0]); },
//                        [](auto x, const Variable& y, const Variable& g) {
//                          const Variable s = sigmoid(x[0]);
//                          return std::vector{g * (s + y * (1 - s))};
//                        },
//                        {rng.normal({3, 4}, float64)});
//   Variable y = swish(x);
//
// A formula that is pointwise is better written as one: tensor/ops/op.h.

#include <array>
#include <memory>

#include "autograd/gradcheck.h"

namespace pf {

class CustomOp {
 public:
  /// The value. Works in the element type of its inputs; may write to fresh memory.
  using Eval = std::function<Tensor(std::span<const Tensor> x)>;
  /// The cotangents of all inputs (undefined: zero), given that of the output, written in operations on variables.
  using Vjp = std::function<std::vector<Variable>(std::span<const Variable> x, const Variable& y, const Variable& g)>;

  /// Runs gradcheck at the sample inputs (float64) and throws Error with its numbers where the rule is wrong.
  CustomOp(std::string name, Eval eval, Vjp vjp, const std::vector<Tensor>& samples,
           const GradcheckOptions& options = {});

  template <class... X>
  requires(std::convertible_to<const X&, Variable>&&...) Variable operator()(const X&... x) const {
    const std::array<Variable, sizeof...(X)> list{Variable(x)...};
    return call(list);
  }
  Variable call(std::span<const Variable> x) const;

  struct Definition {
    std::string name;
    Eval eval;
    Vjp vjp;
  };

 private:
  std::shared_ptr<const Definition> definition_;
};

}  // namespace pf
