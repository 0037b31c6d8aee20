#pragma once
// Derivatives as functions of functions. `f` maps a Variable to a Variable; whatever else it uses it captures.
//
// The argument says what is wanted: with a Tensor x the derivatives are computed and come as tensors. With a Variable x
// they are variables, recorded wherever x or something that f captures is tracked, so they can be differentiated again
// with respect to those: the divergence in a training loss, a gradient penalty.

#include <functional>

#include "autograd/autograd.h"

namespace pf {

struct ValueAndGradient {
  Tensor value, gradient;
};
/// f(x), one element, and df/dx in the shape of x.
ValueAndGradient value_and_grad(const Map& f, const Tensor& x);

template <Array A> struct ValueAndPullback {
  A value;
  std::function<A(const A&)> pullback;  // g ↦ gᵀ ∂f/∂x, as often as wanted; keeps the graph
};
/// f(x) and its derivative in reverse mode.
template <Array A> ValueAndPullback<A> vjp(const Map& f, const A& x);

template <Array A> struct ValueAndTangent { A value, tangent; };
/// f(x) and ∂f/∂x · t: forward mode. t: the shape of x.
template <Array A> ValueAndTangent<A> jvp(const Map& f, const A& x, const std::type_identity_t<A>& t);

/// The Hessian of a one-element f times v, forward over reverse. v: the shape of x.
template <Array A> A hvp(const Map& f, const A& x, const std::type_identity_t<A>& v);

/// All derivatives: [shape of f(x)..., shape of x...], one reverse walk for each element of f(x).
template <Array A> A jacobian(const Map& f, const A& x);

/// Each sample's own derivatives, for a map that treats the rows of x independently: [B, d] → [B, e] gives [B, e, d].
template <Array A> A batch_jacobian(const Map& f, const A& x);

template <Array A> struct ValueAndDivergence { A value, divergence; };
/// f(x) and Σᵢ ∂fᵢ/∂xᵢ of each sample, for a map that treats samples independently: x and f(x) [B, ...], divergence
/// [B]. Exact: one reverse walk for each element of a sample.
template <Array A> ValueAndDivergence<A> divergence(const Map& f, const A& x);
/// The same from a random probe ε with E[εεᵀ] = 1 (Rademacher or normal, the shape of x): εᵀ ∂f/∂x ε, one walk
/// (Hutchinson 1990; Grathwohl et al. 2018, arXiv 1810.01367).
template <Array A> ValueAndDivergence<A> hutchinson_divergence(const Map& f, const A& x, const Tensor& probe);

/// Σᵢ ∂²f/∂xᵢ² of each sample, for f from [B, ...] to [B].  → [B]
template <Array A> A laplacian(const Map& f, const A& x);

/// The value of `hard` (a rounded, sampled or quantised value) with the derivative of `soft`. One shape.
Variable straight_through(const Tensor& hard, const Variable& soft);

}  // namespace pf
