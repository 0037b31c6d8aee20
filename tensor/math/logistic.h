#pragma once

// The logistic function and logarithms of sums of exponentials, without overflow or cancellation.

#include "tensor/math/exp.h"
#include "tensor/math/log.h"

namespace pf::math {

/// 1 / (1 + e⁻ˣ).
template <Value V> constexpr V sigmoid(V x) {
  const V e = exp(-abs(x));
  return select(x < V(0), e, V(1)) / (V(1) + e);
}

/// log(1 + eˣ).
template <Value V> constexpr V softplus(V x) { return max(x, V(0)) + detail::log1p_unit(exp(-abs(x))); }

/// log(1 / (1 + e⁻ˣ)).
template <Value V> constexpr V log_sigmoid(V x) { return -softplus(-x); }

/// log(eᵃ + eᵇ).
template <Value V> constexpr V logaddexp(V a, detail::Same<V> b) {
  // Equal infinities have no difference, but a sum.
  const V distance = select(a == b, V(0), abs(a - b));
  return max(a, b) + detail::log1p_unit(exp(-distance));
}

/// log(1 − eˣ) for x ≤ 0 (Mächler 2012: near 0 by expm1, elsewhere by log1p).
template <Value V> constexpr V log1mexp(V x) {
  return select(x > V(-0.693147180559945309417), log(-expm1(x)), log1p(-exp(x)));
}

}  // namespace pf::math
