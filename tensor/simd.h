#pragma once

// A SIMD batch type and the small arithmetic that scalars and batches share, so that one formula text
// `template <class V> V f(V x)` compiles for float, double, Vec<float> and Vec<double>.

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

// GCC 12 takes the deliberately undefined operands in its own AVX-512 header for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <xsimd/xsimd.hpp>
#pragma GCC diagnostic pop

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
  using Bits = xsimd::batch<std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
};
}  // namespace detail

/// float or double: what one lane of V holds.
template <class V> using value_type_t = typename detail::ValueTraits<V>::Element;

/// What a comparison of two V gives: bool or Mask.
template <class V> using mask_t = typename detail::ValueTraits<V>::Test;

/// The unsigned integers of the same width as V's lanes.
template <class V> using bits_t = typename detail::ValueTraits<V>::Bits;

/// One truth value per lane.
template <class T> struct Mask {
  using Batch = xsimd::batch_bool<T>;
  static constexpr int width = int(Batch::size);

  Batch data;

  Mask() = default;
  Mask(Batch b) : data(b) {}
  Mask(bool b) : data(b) {}

  bool operator[](int lane) const { return data.get(size_t(lane)); }

  friend Mask operator&&(Mask a, Mask b) { return a.data & b.data; }
  friend Mask operator||(Mask a, Mask b) { return a.data | b.data; }
  friend Mask operator!(Mask a) { return ~a.data; }
};

/// As many T as one machine register holds. Arithmetic is lane by lane; a scalar operand means the same value in every
/// lane, so formulas may write `V(0.5)`, `2 * x` or `1.0 - x`.
template <class T> struct Vec {
  using Batch = xsimd::batch<T>;
  using value_type = T;
  static constexpr int width = int(Batch::size);

  Batch data;

  Vec() = default;
  Vec(Batch b) : data(b) {}
  template <class S>
  requires std::is_arithmetic_v<S> Vec(S s) : data(T(s)) {}

  /// Reads `width` elements; no alignment is needed.
  static Vec load(const T* p) { return Batch::load_unaligned(p); }
  /// Writes `width` elements; no alignment is needed.
  void store(T* p) const { data.store_unaligned(p); }

  T operator[](int lane) const { return data.get(size_t(lane)); }

  friend Vec operator+(Vec a, Vec b) { return a.data + b.data; }
  friend Vec operator-(Vec a, Vec b) { return a.data - b.data; }
  friend Vec operator*(Vec a, Vec b) { return a.data * b.data; }
  friend Vec operator/(Vec a, Vec b) { return a.data / b.data; }
  // The compiler's own negation of a register: xsimd 8.1 takes 0 - x on AVX-512, which loses the sign of zero.
  friend Vec operator-(Vec a) { return Batch(-a.data.data); }
  friend Vec operator+(Vec a) { return a; }

  Vec& operator+=(Vec b) { return *this = *this + b; }
  Vec& operator-=(Vec b) { return *this = *this - b; }
  Vec& operator*=(Vec b) { return *this = *this * b; }
  Vec& operator/=(Vec b) { return *this = *this / b; }

  friend Mask<T> operator<(Vec a, Vec b) { return a.data < b.data; }
  friend Mask<T> operator<=(Vec a, Vec b) { return a.data <= b.data; }
  friend Mask<T> operator>(Vec a, Vec b) { return a.data > b.data; }
  friend Mask<T> operator>=(Vec a, Vec b) { return a.data >= b.data; }
  friend Mask<T> operator==(Vec a, Vec b) { return a.data == b.data; }
  // xsimd 8.1 has NaN != x false on AVX: negate the equality instead.
  friend Mask<T> operator!=(Vec a, Vec b) { return !(a == b); }
};

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
  else return xsimd::bitwise_cast<bits_t<V>>(x.data);
}

/// The number whose IEEE representation is b.
template <Value V> constexpr V from_bits(bits_t<V> b) {
  if constexpr (Scalar<V>) return std::bit_cast<V>(b);
  else return V(xsimd::bitwise_cast<typename V::Batch>(b));
}

// --- choosing -------------------------------------------------------------------------------------------------------

/// a where the mask holds, b elsewhere. Both are evaluated: no branch.
template <Value V> constexpr V select(mask_t<V> m, V a, detail::Same<V> b) {
  if constexpr (Scalar<V>) return m ? a : b;
  else return V(xsimd::select(m.data, a.data, b.data));
}
template <class T, class S>
requires std::is_arithmetic_v<S> Vec<T> select(Mask<T> m, S a, Vec<T> b) { return select(m, Vec<T>(a), b); }

/// True if the mask holds in some lane (for a scalar: the mask itself).
constexpr bool any(bool m) { return m; }
template <class T> bool any(Mask<T> m) { return xsimd::any(m.data); }

/// True if the mask holds in every lane.
constexpr bool all(bool m) { return m; }
template <class T> bool all(Mask<T> m) { return xsimd::all(m.data); }

template <Value V> constexpr mask_t<V> isnan(V x) {
  if constexpr (Scalar<V>) return x != x;
  else return mask_t<V>(xsimd::isnan(x.data));
}

// --- sign and size --------------------------------------------------------------------------------------------------

template <Value V> constexpr V abs(V x) {
  if constexpr (Scalar<V>) return from_bits<V>(to_bits(x) & ~to_bits(V(-0.0)));
  else return V(xsimd::abs(x.data));
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
  else return select(isnan(a), a, V(xsimd::max(a.data, b.data)));
}

/// The smaller one; NaN if either is NaN.
template <Value V> constexpr V min(V a, detail::Same<V> b) {
  if constexpr (Scalar<V>) return a < b || a != a ? a : b;
  else return select(isnan(a), a, V(xsimd::min(a.data, b.data)));
}

/// x limited to [lo, hi]; NaN stays NaN.
template <Value V> constexpr V clamp(V x, detail::Same<V> lo, detail::Same<V> hi) { return min(max(x, lo), hi); }

// --- arithmetic -----------------------------------------------------------------------------------------------------

namespace detail {
#if defined(__AVX512F__)
// xsimd 8.1 has no fma for AVX-512: it would multiply and add.
inline Vec<float> fused(Vec<float> a, Vec<float> b, Vec<float> c) {
  return xsimd::batch<float>(_mm512_fmadd_ps(a.data, b.data, c.data));
}
inline Vec<double> fused(Vec<double> a, Vec<double> b, Vec<double> c) {
  return xsimd::batch<double>(_mm512_fmadd_pd(a.data, b.data, c.data));
}
#else
template <class T> Vec<T> fused(Vec<T> a, Vec<T> b, Vec<T> c) { return xsimd::fma(a.data, b.data, c.data); }
#endif
}  // namespace detail

/// a·b + c, rounded once where the machine has the instruction, twice where it has not.
template <Value V> constexpr V fma(V a, detail::Same<V> b, detail::Same<V> c) {
  if constexpr (SimdValue<V>) return detail::fused(a, b, c);
#if defined(__FMA__) || defined(__CUDA_ARCH__) || defined(__ARM_FEATURE_FMA)
  else return std::fma(a, b, c);
#else
  else return a * b + c;
#endif
}

template <Value V> constexpr V sqrt(V x) {
  if constexpr (Scalar<V>) return std::sqrt(x);
  else return V(xsimd::sqrt(x.data));
}

namespace detail {
/// Without SSE4.1 xsimd's rounding loses the sign of a zero.
template <class T> Vec<T> keep_sign(Vec<T> rounded, [[maybe_unused]] Vec<T> x) {
#if defined(__SSE2__) && !defined(__SSE4_1__)
  return copysign(rounded, x);
#else
  return rounded;
#endif
}
}  // namespace detail

template <Value V> constexpr V floor(V x) {
  if constexpr (Scalar<V>) return std::floor(x);
  else return detail::keep_sign(V(xsimd::floor(x.data)), x);
}

template <Value V> constexpr V ceil(V x) {
  if constexpr (Scalar<V>) return std::ceil(x);
  else return detail::keep_sign(V(xsimd::ceil(x.data)), x);
}

template <Value V> constexpr V trunc(V x) {
  if constexpr (Scalar<V>) return std::trunc(x);
  else return detail::keep_sign(V(xsimd::trunc(x.data)), x);
}

/// The nearest whole number, halves to the even one.
template <Value V> constexpr V round(V x) {
  if constexpr (Scalar<V>) return std::rint(x);
  else return V(xsimd::nearbyint(x.data));
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
template <Value V, class F> V each_lane(V x, F f) {
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
