#pragma once

// What the elementary functions are built from: polynomials, powers of two, sums and products with their rounding error.

#include "tensor/value.h"

namespace pf::math::detail {

/// True for float and Vec<float>. Each function has one text and two sets of constants.
template <class V> inline constexpr bool single = std::same_as<value_type_t<V>, float>;

template <class V> inline constexpr double infinity = std::numeric_limits<double>::infinity();
template <class V> inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// One lane of bits_t<V>.
template <class V> using word_t = std::conditional_t<single<V>, uint32_t, uint64_t>;

/// One of two constants, by the precision of V.
template <class V> constexpr V pick(double for_float, double for_double) {
  return V(single<V> ? for_float : for_double);
}

/// c0 + c1·x + c2·x² + … by Horner's rule.
template <Value V, class... C> constexpr V poly(V x, double c0, C... rest) {
  if constexpr (sizeof...(rest) == 0) return V(c0);
  else return fma(poly(x, rest...), x, V(c0));
}

/// x limited to [lo, hi] in two instructions; NaN stays NaN (the machine's min and max return their second operand then).
template <Value V> constexpr V saturate(V x, Same<V> lo, Same<V> hi) {
  if constexpr (Scalar<V>) {
    x = lo > x ? lo : x;
    return hi < x ? hi : x;
  } else {
    return V::machine_min(hi, V::machine_max(lo, x));
  }
}

// --- powers of two --------------------------------------------------------------------------------------------------

template <class V> inline constexpr int mantissa_bits = single<V> ? 23 : 52;
template <class V> inline constexpr int exponent_bias = single<V> ? 127 : 1023;

/// 2ⁿ for a whole n in [-126, 127] (double: [-1022, 1023]).
template <Value V> constexpr V pow2(V n) {
  // Adding 1.5·2^mantissa_bits leaves n + bias in the lowest bits, from where it is moved into the exponent field.
  const V biased = n + V((single<V> ? 0x1.8p23 : 0x1.8p52) + exponent_bias<V>);
  return from_bits<V>(to_bits(biased) << mantissa_bits<V>);
}

/// x·2ⁿ for a whole n in about twice the range of pow2: overflows to infinity, underflows through the subnormals.
template <Value V> constexpr V scale(V x, V n) {
  const V half = round(n * V(0.5));
  return x * pow2(half) * pow2(n - half);
}

/// x = m·2ᵏ with m in [√½, √2), for positive finite x, subnormals included.
template <class V> struct Split { V m, k; };
template <Value V> constexpr Split<V> split_exponent(V x) {
  using B = bits_t<V>;
  using U = word_t<V>;
  constexpr U one = single<V> ? 0x3f800000u : 0x3ff0000000000000u;
  constexpr U sqrt_half = single<V> ? 0x3f3504f3u : 0x3fe6a09e667f3bcdu;
  constexpr U fraction = (U(1) << mantissa_bits<V>)-1;
  constexpr double two_to_bits = single<V> ? 0x1p23 : 0x1p52;

  const auto tiny = x < V(std::numeric_limits<value_type_t<V>>::min());
  const V scaled = select(tiny, x * V(two_to_bits), x);
  const B b = to_bits(scaled) + B(U(one - sqrt_half));
  // A whole number below 2^mantissa_bits, put into the fraction of 2^mantissa_bits, is that sum: no integer conversion.
  const V exponent =
      from_bits<V>((b >> mantissa_bits<V>) | to_bits(V(two_to_bits))) - V(two_to_bits + exponent_bias<V>);
  return {from_bits<V>((b & B(fraction)) + B(sqrt_half)), exponent - select(tiny, V(mantissa_bits<V>), V(0))};
}

// --- double-word arithmetic -----------------------------------------------------------------------------------------

/// The unevaluated sum hi + lo, |lo| ≤ ulp(hi)/2: twice the precision of V.
template <class V> struct Pair { V hi, lo; };

/// a + b exactly, if |a| ≥ |b| or a = 0.
template <Value V> constexpr Pair<V> fast_two_sum(V a, Same<V> b) {
  const V s = a + b;
  return {s, b - (s - a)};
}

/// a + b exactly.
template <Value V> constexpr Pair<V> two_sum(V a, Same<V> b) {
  const V s = a + b, bb = s - a;
  return {s, (a - (s - bb)) + (b - bb)};
}

/// a·b exactly.
template <Value V> constexpr Pair<V> two_product(V a, Same<V> b) {
  const V p = a * b;
#if defined(__FMA__) || defined(__CUDA_ARCH__) || defined(__ARM_FEATURE_FMA)
  return {p, fma(a, b, -p)};
#else
  // Dekker's splitting into halves of the mantissa.
  const V c = V(single<V> ? 0x1p12 + 1 : 0x1p27 + 1);
  const V ac = a * c, bc = b * c;
  const V ah = ac - (ac - a), al = a - ah, bh = bc - (bc - b), bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
#endif
}

/// c + a·b with an error of one rounding even where the two cancel, on machines without fma as well.
template <Value V> constexpr V add_product(V c, Same<V> a, Same<V> b) {
#if defined(__FMA__) || defined(__CUDA_ARCH__) || defined(__ARM_FEATURE_FMA)
  return fma(a, b, c);
#else
  const auto [hi, lo] = two_product(a, b);
  return (c + hi) + lo;
#endif
}

}  // namespace pf::math::detail
