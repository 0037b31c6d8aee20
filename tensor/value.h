#pragma once

// The values that a formula's text is evaluated on, and the small arithmetic that they share, so that one text
// `template <class V> V f(V x)` compiles for float, double, Vec<float> and Vec<double>. What a batch of numbers is, Vec
// itself, is told by tensor/simd.h: only the sources of kernels need to know.

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace pf {

template <class T> struct Vec;
template <class T> struct Mask;

/// The element types that have a batch.
template <class V>
concept Scalar = std::same_as<V, float> || std::same_as<V, double>;

template <class V> inline constexpr bool is_vec = false;
template <class T> inline constexpr bool is_vec<Vec<T>> = true;

/// A batch of scalars.
template <class V>
concept SimdValue = is_vec<V>;

/// Whatever a formula can be evaluated on: one scalar, or a batch of them.
template <class V>
concept Value = Scalar<V> || SimdValue<V>;

namespace detail {
template <class V> struct ValueTraits {
  using Element = V;
  using Test = bool;
  using Bits = std::conditional_t<sizeof(V) == 4, uint32_t, uint64_t>;
};
template <class T> struct ValueTraits<Vec<T>> {
  using Element = T;
  using Test = Mask<T>;
  using Bits = typename Vec<T>::Bits;
};
}  // namespace detail

/// float or double: what one lane of V holds.
template <class V> using value_type_t = typename detail::ValueTraits<V>::Element;

/// What a comparison of two V gives: bool or Mask.
template <class V> using mask_t = typename detail::ValueTraits<V>::Test;

/// The unsigned integers of the same width as V's lanes.
template <class V> using bits_t = typename detail::ValueTraits<V>::Bits;

/// The elementary functions, for scalars and batches alike. The ops of the same names on arrays live in `pf` itself and
/// call these.
namespace math {

namespace detail {
// Parameters of this type do not take part in deduction: `select(m, x, 0)` deduces V from x only.
template <class V> using Same = std::type_identity_t<V>;
}  // namespace detail

// --- bits -----------------------------------------------------------------------------------------------------------

/// The IEEE representation of x, lane by lane.
template <Value V> constexpr bits_t<V> to_bits(V x) {
  if constexpr (Scalar<V>) return std::bit_cast<bits_t<V>>(x);
  else return x.bits();
}

/// The number whose IEEE representation is b.
template <Value V> constexpr V from_bits(bits_t<V> b) {
  if constexpr (Scalar<V>) return std::bit_cast<V>(b);
  else return V::from_bits(b);
}

// --- choosing -------------------------------------------------------------------------------------------------------

/// a where the mask holds, b elsewhere. Both are evaluated: no branch.
template <Value V> constexpr V select(mask_t<V> m, V a, detail::Same<V> b) {
  if constexpr (Scalar<V>) return m ? a : b;
  else return V::select(m, a, b);
}
template <class T, class S>
requires std::is_arithmetic_v<S> Vec<T> select(Mask<T> m, S a, Vec<T> b) { return select(m, Vec<T>(a), b); }

/// True if the mask holds in some lane (for a scalar: the mask itself).
constexpr bool any(bool m) { return m; }
template <class T> bool any(Mask<T> m) { return m.any(); }

/// True if the mask holds in every lane.
constexpr bool all(bool m) { return m; }
template <class T> bool all(Mask<T> m) { return m.all(); }

template <Value V> constexpr mask_t<V> isnan(V x) {
  if constexpr (Scalar<V>) return x != x;
  else return x.isnan();
}

// --- sign and size --------------------------------------------------------------------------------------------------

template <Value V> constexpr V abs(V x) {
  if constexpr (Scalar<V>) return from_bits<V>(to_bits(x) & ~to_bits(V(-0.0)));
  else return x.abs();
}

/// |x| with the sign of s (also where s is a zero or a NaN).
template <Value V> constexpr V copysign(V x, detail::Same<V> s) {
  const auto sign = to_bits(V(-0.0));
  return from_bits<V>((to_bits(x) & ~sign) | (to_bits(V(s)) & sign));
}

/// Where the sign bit is set: negative numbers and -0.
template <Value V> constexpr mask_t<V> signbit(V x) { return copysign(V(1), x) < V(0); }

template <Value V> constexpr mask_t<V> isinf(V x) {
  return abs(x) == V(std::numeric_limits<value_type_t<V>>::infinity());
}
template <Value V> constexpr mask_t<V> isfinite(V x) {
  return abs(x) < V(std::numeric_limits<value_type_t<V>>::infinity());
}

/// The larger one; NaN if either is NaN.
template <Value V> constexpr V max(V a, detail::Same<V> b) {
  // The machine's max returns its second operand when one is NaN: that covers b, the select covers a.
  if constexpr (Scalar<V>) return a > b || a != a ? a : b;
  else return select(isnan(a), a, V::machine_max(a, b));
}

/// The smaller one; NaN if either is NaN.
template <Value V> constexpr V min(V a, detail::Same<V> b) {
  if constexpr (Scalar<V>) return a < b || a != a ? a : b;
  else return select(isnan(a), a, V::machine_min(a, b));
}

/// x limited to [lo, hi]; NaN stays NaN.
template <Value V> constexpr V clamp(V x, detail::Same<V> lo, detail::Same<V> hi) { return min(max(x, lo), hi); }

// --- arithmetic -----------------------------------------------------------------------------------------------------

/// a·b + c, rounded once where the machine has the instruction, twice where it has not.
template <Value V> constexpr V fma(V a, detail::Same<V> b, detail::Same<V> c) {
  if constexpr (SimdValue<V>) return V::fma(a, b, c);
#if defined(__FMA__) || defined(__CUDA_ARCH__) || defined(__ARM_FEATURE_FMA)
  else return std::fma(a, b, c);
#else
  else return a * b + c;
#endif
}

template <Value V> constexpr V sqrt(V x) {
  if constexpr (Scalar<V>) return std::sqrt(x);
  else return x.sqrt();
}

template <Value V> constexpr V floor(V x) {
  if constexpr (Scalar<V>) return std::floor(x);
  else return x.floor();
}

template <Value V> constexpr V ceil(V x) {
  if constexpr (Scalar<V>) return std::ceil(x);
  else return x.ceil();
}

template <Value V> constexpr V trunc(V x) {
  if constexpr (Scalar<V>) return std::trunc(x);
  else return x.trunc();
}

/// The nearest whole number, halves to the even one.
template <Value V> constexpr V round(V x) {
  if constexpr (Scalar<V>) return std::rint(x);
  else return x.round();
}

// --- across lanes ---------------------------------------------------------------------------------------------------

namespace detail {
// Halves at a time, always in the same order, so that the result does not depend on the instruction set's own choice.
template <class T, class F> T reduce(Vec<T> v, F f) {
  alignas(64) T lane[Vec<T>::width];
  v.store(lane);
  for (int half = Vec<T>::width / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] = f(lane[i], lane[i + half]);
  return lane[0];
}
}  // namespace detail

/// The sum of the lanes.
template <Value V> value_type_t<V> sum(V v) {
  if constexpr (Scalar<V>) return v;
  else return detail::reduce(v, [](auto a, auto b) { return a + b; });
}

/// The largest lane; NaN if any lane is NaN.
template <Value V> value_type_t<V> hmax(V v) {
  if constexpr (Scalar<V>) return v;
  else return detail::reduce(v, [](auto a, auto b) { return max(a, b); });
}

/// The smallest lane; NaN if any lane is NaN.
template <Value V> value_type_t<V> hmin(V v) {
  if constexpr (Scalar<V>) return v;
  else return detail::reduce(v, [](auto a, auto b) { return min(a, b); });
}

/// f applied to one lane after the other: for rare arguments that a branch-free formula does not cover.
template <Value V, class F> constexpr V each_lane(V x, F f) {
  if constexpr (Scalar<V>) return f(x);
  else {
    alignas(64) value_type_t<V> lane[V::width];
    x.store(lane);
    for (auto& one : lane) one = f(one);
    return V::load(lane);
  }
}

}  // namespace math
}  // namespace pf
