#pragma once

// Logarithms. After FreeBSD's msun (Sun Microsystems 1993), without its branches; polynomial coefficients refitted by Remez.

#include "tensor/math/parts.h"

namespace pf::math {

namespace detail {

/// R with log(1 + f) = f − (f²/2 − s·(f²/2 + R)), s = f / (2 + f), for 1 + f in [√½, √2].
template <Value V> constexpr V log_remainder(V s) {
  const V z = s * s;
  if constexpr (single<V>) return z * poly(z, 0.666666627, 0.400003374, 0.285372376, 0.235835686);
  else
    return z * poly(z, 0.6666666666666666, 0.40000000000006286, 0.28571428569072976, 0.22222222648749165,
                    0.18181775508595577, 0.15387097648981984, 0.13249962048124111, 0.13252754770339722);
}

/// The natural logarithm of 2ᵏ·(1 + f).
template <Value V> constexpr V log_of(V k, V f) {
  const V half_square = V(0.5) * f * f;
  const V s = f / (V(2) + f);
  const V low = s * (half_square + log_remainder(s)) + k * pick<V>(9.0580006145e-06, 1.90821492927058770002e-10);
  return k * pick<V>(6.9313812256e-01, 6.93147180369123816490e-01) - ((half_square - low) - f);
}

/// `finite` for 0 < x < ∞, else the limits common to all logarithms.
template <Value V> constexpr V log_limits(V x, V finite) {
  const V at_zero_or_below = select(x == V(0), V(-infinity<V>), V(nan<V>));
  return select(x > V(0) && x < V(infinity<V>), finite, select(x <= V(0), at_zero_or_below, x));
}

/// log x in another base: 1/log(base) as hi + lo, and log₂ in that base as hi + lo.
template <Value V> constexpr V log_base(V x, V inverse_hi, V inverse_lo, V log2_hi, V log2_lo) {
  const auto [m, k] = split_exponent(x);
  const V f = m - V(1);
  const V half_square = V(0.5) * f * f;
  const V s = f / (V(2) + f);
  const V r = s * (half_square + log_remainder(s));
  // The upper half of the mantissa, so that the product with inverse_hi is exact.
  const bits_t<V> upper(word_t<V>(word_t<V>(-1) << (single<V> ? 12 : 32)));
  const V hi = from_bits<V>(to_bits(f - half_square) & upper);
  const V lo = (f - hi) - half_square + r;
  const V large = k * log2_hi, small = hi * inverse_hi;
  const V total = large + small;
  const V rest = (large - total) + small + k * log2_lo + (lo + hi) * inverse_lo + lo * inverse_hi;
  return log_limits(x, total + rest);
}

}  // namespace detail

/// The natural logarithm.
template <Value V> constexpr V log(V x) {
  const auto [m, k] = detail::split_exponent(x);
  return detail::log_limits(x, detail::log_of(k, m - V(1)));
}

template <Value V> constexpr V log2(V x) {
  using detail::pick;
  return detail::log_base(x, pick<V>(1.4428710938, 1.44269504072144627571),
                          pick<V>(-1.7605285393e-04, 1.67517131648865118353e-10), V(1), V(0));
}

template <Value V> constexpr V log10(V x) {
  using detail::pick;
  return detail::log_base(
      x, pick<V>(4.3432617188e-01, 4.34294481878168880939e-01), pick<V>(-3.1689971365e-05, 2.50829467116452752298e-11),
      pick<V>(3.0102920532e-01, 3.01029995663611771306e-01), pick<V>(7.9034151668e-07, 3.69423907715893078616e-13));
}

/// log(1 + x), exact to the last bits also for small x.
template <Value V> constexpr V log1p(V x) {
  const auto [u, error] = detail::two_sum(V(1), x);
  const auto [m, k] = detail::split_exponent(u);
  // What the rounding of 1 + x lost is put back where it counts: beside f, at f's own scale.
  const V f = (m - V(1)) + error * detail::pow2(-min(k, V(100)));
  const V y = detail::log_limits(u, detail::log_of(k, f));
  return select(x == V(0) || x == V(detail::infinity<V>), x, y);
}

namespace detail {
/// log(1 + e) for e in [0, 1], the case that softplus and its kin need: no exponent to split off.
template <Value V> constexpr V log1p_unit(V e) {
  const V half_square = V(0.5) * e * e;
  const V s = e / (V(2) + e);
  const V z = s * s;
  V r;
  if constexpr (single<V>) r = poly(z, 0.666666746, 0.399988741, 0.286170363, 0.214258522, 0.243083209);
  else
    r = poly(z, 0.6666666666666667, 0.3999999999999391, 0.2857142857252056, 0.22222222124627256, 0.18181823241571043,
             0.15384450840656252, 0.1333682545703098, 0.11715725052852366, 0.10974168694762297, 0.06987844750562802,
             0.16478648034495166);
  return e - (half_square - s * (half_square + z * r));
}
}  // namespace detail

}  // namespace pf::math
