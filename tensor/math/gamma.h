#pragma once

// The logarithm of the gamma function and its first two derivatives.

#include "tensor/math/log.h"
#include "tensor/math/trig.h"

namespace pf::math {

namespace detail {

/// log Γ(x) for x > 0.
template <Value V> constexpr V lgamma_positive(V x) {
  // Large x: Stirling's series.
  const auto large = x >= V(8);
  const V inverse = V(1) / x, z = inverse * inverse;
  V series;
  if constexpr (single<V>) series = poly(z, 0.0833333358, -0.00277765538, 0.000777830952);
  else
    series = poly(z, 0.08333333333333333, -0.002777777777767434, 0.0007936507864095191, -0.0005952358531511554,
                  0.0008413922580150899, -0.0018864059027978337, 0.004987712484380945);

  // Elsewhere: Γ(x) = Γ(w)·p with w in [1.5, 2.5], where log Γ(w) = (w − 2)·polynomial.
  V w = x, p = V(1);
  for (int i = 0; i < 6; ++i) {
    const auto above = w > V(2.5);
    w = select(above, w - V(1), w);
    p = select(above, p * w, p);
  }
  // Upwards by one or two steps: Γ(x) = Γ(x + 1)/x. Here w − 2 is taken from x, without the rounding of the sum.
  const auto below = x < V(1.5), far_below = x < V(0.5);
  const V t = select(far_below, x, select(below, x - V(1), w - V(2)));
  p = select(far_below, fma(x, x, x), select(below, x, p));
  V q;
  if constexpr (single<V>)
    q = poly(t, 0.422784328, 0.322467029, -0.06735228, 0.0205807351, -0.00738615962, 0.00289173424, -0.00118595362,
             0.000501509232, -0.000253631792, 0.000122375161);
  else
    q = poly(t, 0.42278433509846713, 0.3224670334241132, -0.06735230105319809, 0.020580808427784626,
             -0.007385551028674527, 0.002890510330734656, -0.0011927539116741524, 0.0005096695250162169,
             -0.00022315475925637813, 9.945750682493469e-05, -4.4926223842831176e-05, 2.0507290613658384e-05,
             -9.439616901823975e-06, 4.374231914528784e-06, -2.0383975235086342e-06, 9.583901417771687e-07,
             -4.525514980016579e-07, 2.0199892407871993e-07, -9.231694257731781e-08, 6.467515861644709e-08,
             -3.3471347738170146e-08);
  const V l = log(select(large, x, p));
  const V stirling = (x - V(0.5)) * (l - V(1)) + (V(0.41893853320467274178) + inverse * series);
  const V small = t * q + select(below, -l, l);
  return select(large, select(x == V(infinity<V>), x, stirling), small);
}

/// From here on the asymptotic series of ψ and ψ′ below hold.
template <class V> inline constexpr int gamma_steps = single<V> ? 4 : 10;

/// π·x − π·round(x), and whether x is whole.
template <class V> struct PiFraction {
  V angle;
  mask_t<V> whole;
};
template <Value V> constexpr PiFraction<V> pi_fraction(V x) {
  const V r = x - round(x);
  return {r * V(3.14159265358979323846), r == V(0)};
}

}  // namespace detail

/// log |Γ(x)|; +∞ at 0 and the negative whole numbers. Between -2 and those, Γ passes through ±1: near there the error is
/// small beside log Γ(1 − x), not beside the result.
template <Value V> constexpr V lgamma(V x) {
  using namespace detail;
  const auto left = x < V(0);
  const V positive = lgamma_positive(select(left, V(1) - x, x));
  // Γ(x)·Γ(1 − x) = π / sin πx. Next to 0 log |Γ(x)| is −log |x| to the last digit.
  const auto [angle, whole] = pi_fraction(x);
  const auto tiny = abs(x) < pick<V>(1e-10, 1e-18);
  const V mirrored =
      select(tiny, V(0), V(1.14472988584940017414) - positive) - log(select(tiny, abs(x), abs(sin_within(angle))));
  const V negative = select(whole || x == V(-infinity<V>), V(infinity<V>), mirrored);
  return select(left, negative, select(x == V(0), V(infinity<V>), positive));
}

/// d/dx log Γ(x); ∓∞ at ±0, NaN at the negative whole numbers.
template <Value V> constexpr V digamma(V x) {
  using namespace detail;
  const auto left = x < V(0);
  // ψ(x) = ψ(x + n) − Σ 1/(x + i): the sum as one fraction, up to where the asymptotic series holds.
  V w = select(left, V(1) - x, x);
  V numerator = V(0), denominator = V(1);
  for (int i = 0; i < gamma_steps<V>; ++i) {
    const auto below = w < V(gamma_steps<V>);
    numerator = select(below, fma(numerator, w, denominator), numerator);
    denominator = select(below, denominator * w, denominator);
    w = select(below, w + V(1), w);
  }
  const V z = V(1) / (w * w);
  const V series = z * poly(z, 1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12);
  const V core = log(w) - V(0.5) / w - series - numerator / denominator;
  // ψ(1 − x) − ψ(x) = π·cot πx.
  const auto [angle, whole] = pi_fraction(x);
  const V mirrored =
      select(whole || x == V(-infinity<V>), V(nan<V>), core - V(3.14159265358979323846) / detail::tan_within(angle));
  return select(x == V(0), copysign(V(infinity<V>), -x), select(left, mirrored, core));
}

/// d²/dx² log Γ(x); ∞ at 0 and the negative whole numbers.
template <Value V> constexpr V trigamma(V x) {
  using namespace detail;
  const auto left = x < V(0);
  V w = select(left, V(1) - x, x);
  // The first step apart: its square would underflow for small x.
  const V first = V(1) / w;
  const V lead = select(w < V(1), first * first, V(0));
  w = select(w < V(1), w + V(1), w);
  V numerator = V(0), denominator = V(1);
  for (int i = 1; i < gamma_steps<V>; ++i) {
    const auto below = w < V(gamma_steps<V>);
    const V square = w * w;
    numerator = select(below, fma(numerator, square, denominator), numerator);
    denominator = select(below, denominator * square, denominator);
    w = select(below, w + V(1), w);
  }
  const V inverse = V(1) / w, z = inverse * inverse;
  const V series = inverse * z * poly(z, 1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6);
  const V core = inverse + V(0.5) * z + series + numerator / denominator + lead;
  // ψ′(1 − x) + ψ′(x) = π² / sin² πx.
  const auto [angle, whole] = pi_fraction(x);
  const V s = V(3.14159265358979323846) / detail::sin_within(angle);
  const V mirrored = select(whole || x == V(-infinity<V>), V(infinity<V>), s * s - core);
  return select(x == V(0), V(infinity<V>), select(left, mirrored, core));
}

}  // namespace pf::math
