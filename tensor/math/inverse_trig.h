#pragma once

// Inverse trigonometric functions.

#include "tensor/math/parts.h"

namespace pf::math {

namespace detail {

/// atan(y/x) for x, y ≥ 0, not both zero. The quotient is brought to |t| ≤ tan(π/8) by a turn of 0, π/4 or π/2 before the
/// one division.
template <Value V> constexpr V atan_quadrant(V y, V x) {
  const V tan_eighth = V(0.414213562373095048802);
  const auto low = y <= tan_eighth * x, high = x < tan_eighth * y;
  const V t = select(low, y, select(high, -x, y - x)) / select(low, x, select(high, y, y + x));
  const V turn = select(low, V(0), select(high, V(1.57079632679489661923), V(0.785398163397448309616)));
  const V turn_low = select(
      low, V(0),
      select(high, pick<V>(-4.37113883e-08, 6.123233995736766e-17), pick<V>(-2.18556941e-08, 3.061616997868383e-17)));
  const V z = t * t;
  V p;
  if constexpr (single<V>) p = poly(z, -0.333333164, 0.199984878, -0.142438024, 0.10595642, -0.0608249456);
  else
    p = poly(z, -0.33333333333333326, 0.19999999999997684, -0.14285714285389858, 0.11111111088292826,
             -0.09090908148673822, 0.07692282852312483, -0.06666228139495131, 0.0587703532648118, -0.05218491448215504,
             0.045039033616854914, -0.033482696107319, 0.015203521098768928);
  return turn + (t + fma(t * z, p, turn_low));
}

/// (asin(x)/x − 1)/x² as a function of z = x², for |x| ≤ ½.
template <Value V> constexpr V asin_poly(V z) {
  if constexpr (single<V>)
    return poly(z, 0.166666597, 0.0750051215, 0.0445154719, 0.0318198241, 0.0143937869, 0.0375781842);
  else
    return poly(z, 0.16666666666666763, 0.07499999999970094, 0.044642857175289874, 0.030381942675120812,
                0.022372215909840846, 0.01735159543757334, 0.013981019199943621, 0.011397288211418872,
                0.010789345415728619, 0.0036721024999871567, 0.021790829382670025, -0.021116954531442127,
                0.03270229683719144);
}

/// 2·asin(s) = 2s + more, where s = √((1 − a)/2): the way from asin(a) to π/2.
template <class V> struct ToRightAngle { V twice_s, more; };
template <Value V> constexpr ToRightAngle<V> to_right_angle(V a) {
  const V z = V(0.5) * (V(1) - a);
  const V twice_s = V(2) * sqrt(z);
  return {twice_s, twice_s * z * asin_poly(z)};
}

}  // namespace detail

template <Value V> constexpr V asin(V x) {
  const V a = abs(x), z = x * x;
  const auto [twice_s, more] = detail::to_right_angle(a);
  const V end =
      (V(1.57079632679489661923) - twice_s) - (more - detail::pick<V>(-4.37113883e-08, 6.123233995736766e-17));
  return select(a < V(0.5), fma(x * z, detail::asin_poly(z), x), copysign(end, x));
}

template <Value V> constexpr V acos(V x) {
  const V a = abs(x), z = x * x;
  const V low = detail::pick<V>(-4.37113883e-08, 6.123233995736766e-17);
  const V middle = V(1.57079632679489661923) - (x - fma(-x * z, detail::asin_poly(z), low));
  const auto [twice_s, more] = detail::to_right_angle(a);
  const V end = twice_s + more;
  return select(a < V(0.5), middle, select(x > V(0), end, V(3.14159265358979323846) - (end - V(2) * low)));
}

template <Value V> constexpr V atan(V x) {
  const V a = detail::saturate(abs(x), V(0), detail::pick<V>(1e30, 1e300));
  return select(a < detail::pick<V>(0x1p-13, 0x1p-28), x, copysign(detail::atan_quadrant(a, V(1)), x));
}

/// The angle of the point (x, y), in [-π, π], with all of C's special cases.
template <Value V> constexpr V atan2(V y, detail::Same<V> x) {
  using namespace detail;
  const V infinite = V(infinity<V>), zero = V(0);
  V ax = abs(x), ay = abs(y);
  // Of two infinities, or two zeros, only the signs count; both are brought to a range where ax + ay does not overflow
  // and the quotient of two subnormals keeps its digits.
  const auto both_infinite = ax == infinite && ay == infinite;
  const auto both_zero = ax == zero && ay == zero;
  ax = select(both_infinite || both_zero, V(1), ax);
  ay = select(both_infinite, V(1), ay);
  const V larger = max(ax, ay);
  const V factor = select(larger > pick<V>(0x1p100, 0x1p1000), pick<V>(0x1p-30, 0x1p-60),
                          select(larger < pick<V>(0x1p-60, 0x1p-900), pick<V>(0x1p80, 0x1p120), V(1)));
  V angle = atan_quadrant(ay * factor, ax * factor);
  // A finite number over infinity, or the other way round.
  angle = select(isinf(ax), zero, select(isinf(ay), V(1.57079632679489661923), angle));
  angle =
      select(signbit(x), V(3.14159265358979323846) - (angle - pick<V>(-8.74227766e-08, 1.2246467991473532e-16)), angle);
  return select(isnan(x) || isnan(y), V(nan<V>), copysign(angle, y));
}

}  // namespace pf::math
