#pragma once
// A formula that ends in a sum: what losses and log-densities are made of. One pass over memory forward and one backward;
// the formula's values are never stored.
//
//   sum_of(SquaredError{}, -1, prediction, target)    =  sum((prediction - target)², over the last axis)

#include "tensor/dual.h"
#include "tensor/ops/reduce.h"

namespace pf {

namespace detail {
/// Σ over the axes of f(x…); all inputs have one shape.
Tensor sum_of_forward(const PointwiseKernels& kernels, const void* op, const Axes& axes, bool keepdim,
                      std::span<const Tensor* const> inputs);
/// The gradients of the inputs that have a place in `grads`; g is the cotangent of the sum. With `reads_output` the
/// formula's values are computed again, block by block, for its derivatives.
void sum_of_vjp(const PointwiseKernels& kernels, const void* op, const Axes& axes, bool reads_output, const Tensor& g,
                std::span<const Tensor* const> inputs, std::span<Tensor* const> grads);
}  // namespace detail

/// Fused: the formula and the sum over some axes. The inputs have one shape.
template <PointwiseFormula F> struct SumOf {
  static constexpr auto name = "sum_of";
  F formula;
  Axes axes;
  bool keepdim = false;

  template <std::same_as<Tensor>... X> Tensor eval(const X&... x) const {
    const Tensor* inputs[] = {&x...};
    return detail::sum_of_forward(pointwise_kernels<F>(), &formula, axes, keepdim, inputs);
  }
  template <Array... X>
  requires(sizeof...(X) == F::arity) auto composite(const X&... x) const {
    return sum(apply(formula, x...), axes, keepdim);
  }
  template <std::same_as<Tensor>... X>
  requires(sizeof...(X) == F::arity + 1) std::array<Tensor, F::arity> fused_vjp(Wanted wanted, const Tensor& g,
                                                                                const X&... inputs_and_output)
  const {
    const Tensor* inputs[] = {&inputs_and_output...};
    std::array<Tensor, F::arity> out;
    std::array<Tensor*, F::arity> grads;
    for (int i = 0; i < F::arity; ++i) grads[i] = wanted[i] ? &out[i] : nullptr;
    constexpr bool reads_output =
        has_partials<F> && !detail::has_partials_x<F, double>(std::make_index_sequence<F::arity>{});
    detail::sum_of_vjp(pointwise_kernels<F>(), &formula, axes, reads_output, g,
                       std::span(inputs).template first<F::arity>(), grads);
    return out;
  }
};

/// Σ f(x…) over the given axes (none given: all) of the broadcast inputs, in one pass.
template <PointwiseFormula F, Array... X>
requires(sizeof...(X) == F::arity) auto sum_of(const F& f, const Axes& axes, const X&... x) {
  Shape shape;
  ((shape = broadcast(shape, x.shape(), F::name)), ...);
  return apply(SumOf<F>{f, axes}, expand(x, shape)...);
}

}  // namespace pf
