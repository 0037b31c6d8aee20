#pragma once

// A batch of numbers, as many as one machine register holds. Included by the sources that hold kernels.

// GCC 12 takes the deliberately undefined operands in its own AVX-512 header for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <xsimd/xsimd.hpp>
#pragma GCC diagnostic pop

#include "tensor/value.h"

namespace pf {

/// One truth value per lane.
template <class T> struct Mask {
  using Batch = xsimd::batch_bool<T>;
  static constexpr int width = int(Batch::size);

  Batch data;

  Mask() = default;
  Mask(Batch b) : data(b) {}
  Mask(bool b) : data(b) {}

  bool operator[](int lane) const { return data.get(size_t(lane)); }
  bool any() const { return xsimd::any(data); }
  bool all() const { return xsimd::all(data); }

  friend Mask operator&&(Mask a, Mask b) { return a.data & b.data; }
  friend Mask operator||(Mask a, Mask b) { return a.data | b.data; }
  friend Mask operator!(Mask a) { return ~a.data; }
};

/// As many T as one machine register holds. Arithmetic is lane by lane; a scalar operand means the same value in every
/// lane, so formulas may write `V(0.5)`, `2 * x` or `1.0 - x`.
template <class T> struct Vec {
  using Batch = xsimd::batch<T>;
  using Bits = xsimd::batch<std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
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

  // What the functions of tensor/value.h are for batches.
  Bits bits() const { return xsimd::bitwise_cast<Bits>(data); }
  static Vec from_bits(Bits b) { return xsimd::bitwise_cast<Batch>(b); }
  static Vec select(Mask<T> m, Vec a, Vec b) { return xsimd::select(m.data, a.data, b.data); }
  /// These two return b if either is NaN.
  static Vec machine_max(Vec a, Vec b) { return xsimd::max(a.data, b.data); }
  static Vec machine_min(Vec a, Vec b) { return xsimd::min(a.data, b.data); }
  static Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
    // xsimd 8.1 has no fma for AVX-512: it would multiply and add.
    if constexpr (sizeof(T) == 4) return Batch(_mm512_fmadd_ps(a.data, b.data, c.data));
    else return Batch(_mm512_fmadd_pd(a.data, b.data, c.data));
#else
    return xsimd::fma(a.data, b.data, c.data);
#endif
  }
  Mask<T> isnan() const { return xsimd::isnan(data); }
  Vec abs() const { return xsimd::abs(data); }
  Vec sqrt() const { return xsimd::sqrt(data); }
  Vec floor() const { return keep_sign(xsimd::floor(data)); }
  Vec ceil() const { return keep_sign(xsimd::ceil(data)); }
  Vec trunc() const { return keep_sign(xsimd::trunc(data)); }
  Vec round() const { return xsimd::nearbyint(data); }

 private:
  /// Without SSE4.1 xsimd's rounding loses the sign of a zero.
  Vec keep_sign(Vec rounded) const {
#if defined(__SSE2__) && !defined(__SSE4_1__)
    return math::copysign(rounded, *this);
#else
    return rounded;
#endif
  }
};

}  // namespace pf
