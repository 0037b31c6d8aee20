#pragma once
// The two walks over a recorded graph: cotangents from the result down to the inputs (reverse mode), tangents from the
// inputs up to the result (forward mode). Both are loops over the reachable nodes in creation order.

#include <functional>
#include <span>
#include <vector>

#include "autograd/node.h"

namespace pf {

struct WalkOptions {
  bool allow_unused = false;     // an input that does not influence the result gets zeros instead of an error
  bool stop_at_targets = false;  // do not look behind the inputs: derivatives as if they were independent
};

/// Reverse mode: gᵀ ∂y/∂x for every x of `targets`. With A = Tensor the derivatives are computed, with A = Variable
/// they are recorded and can be differentiated again. A result that is moved in (or is a temporary), and that nothing
/// else holds, is released node by node while the walk goes down, so that its memory serves the gradients.
template <Array A>
std::vector<A> pull_cotangents(Variable y, std::span<const Variable> targets, const A& g, WalkOptions options = {});

/// Forward mode: Σ ∂y/∂xᵢ tᵢ. An undefined tangent means zero.
template <Array A> A push_tangents(const Variable& y, std::span<const Variable> inputs, std::span<const A> tangents);

/// Forward mode from a reverse rule, for operations that state only that one: vjp(g) is linear in g, so differentiating
/// ⟨vjp(g), t⟩ with respect to g gives J t. `output` tells shape and type. Undefined where J t is zero.
template <Array A>
A transposed_vjp(const Tensor& output, std::span<const A> tangents,
                 const std::function<std::vector<Variable>(const Variable& g)>& vjp);

/// The same value as a new node, so that one use of a variable can be told from another.
Variable alias(const Variable& x);

/// dy/dx for every x, of a one-element result. Throws, naming the input, where one does not influence y. As above, a
/// result that is moved in is released on the way: `grad(std::move(loss), parameters)`.
std::vector<Tensor> grad(Variable y, std::span<const Variable> x, WalkOptions options = {});
Tensor grad(Variable y, const Variable& x, WalkOptions options = {});
/// As `grad`, recorded: the result can be differentiated again.
std::vector<Variable> recorded_grad(Variable y, std::span<const Variable> x, WalkOptions options = {});
Variable recorded_grad(Variable y, const Variable& x, WalkOptions options = {});

}  // namespace pf
