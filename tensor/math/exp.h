#pragma once

// Exponentials: x = n·log 2 + r with |r| ≤ log(2)/2, then 2ⁿ times a polynomial in r.

#include "tensor/math/parts.h"

namespace pf::math {

namespace detail {

/// eˣ = 2ⁿ·(1 + m).
template <class V> struct ExpParts { V n, m; };

/// e^r − 1 for |r| ≤ log(2)/2.
template <Value V> constexpr V expm1_small(V r) {
  V q;
  if constexpr (single<V>) q = poly(r, 0.5, 0.166665435, 0.0416662805, 0.00836659037, 0.00139464624);
  else
    q = poly(r, 0.5, 0.16666666666666677, 0.0416666666666667, 0.008333333333321606, 0.001388888888886682,
             0.0001984126988618576, 2.4801587360592162e-05, 2.75572441516022e-06, 2.755724272923074e-07,
             2.5109056387645318e-08, 2.0924452666148212e-09);
  return fma(r * r, q, r);
}

/// x must lie where n fits scale(); `low`, if given, is what x was rounded by.
template <Value V, class... Low> constexpr ExpParts<V> exp_parts(V x, Low... low) {
  const V n = round(x * V(1.44269504088896340736));
  // log 2 in two parts, the first with so few bits that n times it is exact.
  V r = fma(n, -pick<V>(0.693359375, 6.93147180369123816490e-01), x);
  r = fma(n, -pick<V>(-2.12194440054690583e-4, 1.90821492927058770002e-10), r);
  return {n, expm1_small((r + ... + low))};
}

/// Beyond these eˣ is 0 or ∞ in V: scale() rounds to just that.
template <Value V> constexpr V exp_range(V x) { return saturate(x, pick<V>(-104, -746), pick<V>(89, 710)); }

/// eˣ / 2, which does not overflow before cosh does.
template <Value V> constexpr V half_exp(V x) {
  const auto [n, m] = exp_parts(saturate(x, pick<V>(-104, -746), pick<V>(90, 711)));
  return scale(V(1) + m, n - V(1));
}

}  // namespace detail

/// eˣ.
template <Value V> constexpr V exp(V x) {
  const auto [n, m] = detail::exp_parts(detail::exp_range(x));
  return detail::scale(V(1) + m, n);
}

/// 2ˣ; exact for whole x.
template <Value V> constexpr V exp2(V x) {
  x = detail::saturate(x, detail::pick<V>(-151, -1076), detail::pick<V>(129, 1025));
  const V n = round(x);
  const V m = detail::expm1_small((x - n) * V(0.693147180559945309417));
  return detail::scale(V(1) + m, n);
}

/// eˣ − 1, exact to the last bits also for small x.
template <Value V> constexpr V expm1(V x) {
  const auto [n, m] = detail::exp_parts(detail::saturate(x, detail::pick<V>(-20, -50), detail::pick<V>(89, 710)));
  // Half of 2ⁿ, so that n = 128 (double: 1024) does not overflow too early.
  const V half = detail::pow2(n - V(1));
  const V y = V(2) * fma(half, m, half - V(0.5));
  return select(n == V(0), copysign(m, x), y);
}

}  // namespace pf::math
