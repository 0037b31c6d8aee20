#pragma once
// The 16-bit floating-point numbers. They are for storage: each converts to float exactly, is computed with as that, and
// what is stored again is rounded to the nearest, ties to even.
//
//   BFloat16   8 bits of exponent, 7 of fraction: float's range, two to three digits
//   Float16    5 bits of exponent, 10 of fraction (IEEE 754 binary16): up to 65504, three to four digits

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace pf {

namespace detail {

/// A float from which rounding to 16 bits gives what rounding x at once would give: where x does not fit, its last bit is
/// set, so that no rounding after it sees a tie that x is not (rounding to odd: Boldo and Melquiond 2008).
constexpr float rounded_to_odd(float x) { return x; }
constexpr float rounded_to_odd(bool x) { return x ? 1 : 0; }
constexpr float rounded_to_odd(double x) {
  const float near = float(x);
  if (double(near) == x || x != x) return near;
  const double size = x < 0 ? -x : x, near_size = near < 0 ? -double(near) : double(near);
  const uint32_t bits = std::bit_cast<uint32_t>(near) - (near_size > size ? 1 : 0);
  return std::bit_cast<float>(bits | 1);
}
constexpr float rounded_to_odd(std::integral auto x) {
  const uint64_t size = x < 0 ? -uint64_t(x) : uint64_t(x);
  const uint64_t held = size >> 53 ? size & ~uint64_t(0x7ff) : size;
  const double odd = double(held == size ? size : held | 0x800);
  return rounded_to_odd(x < 0 ? -odd : odd);
}

constexpr uint16_t bfloat16_bits(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (x != x) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
constexpr float bfloat16_value(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

constexpr uint16_t float16_bits(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (x != x) return uint16_t(sign | 0x7e00 | (size >> 13 & 0x3ff));
  if (size >= 0x477ff000) return uint16_t(sign | 0x7c00);  // 65520 and beyond
  if (size < 0x38800000)  // a multiple of 2⁻²⁴, which is the last place of the floats from 0.5 on
    return uint16_t(sign | (std::bit_cast<uint32_t>(std::bit_cast<float>(size) + 0.5f) - 0x3f000000));
  return uint16_t(sign | ((size + 0xfff + (size >> 13 & 1) - (112u << 23)) >> 13));
}
constexpr float float16_value(uint16_t bits) {
  const uint32_t sign = uint32_t(bits & 0x8000) << 16, size = bits & 0x7fff;
  if (size >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (size & 0x3ff) << 13);
  if (size < 0x400) return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(float(size) * 0x1p-24f));
  return std::bit_cast<float>(sign | ((size << 13) + (112u << 23)));
}

}  // namespace detail

struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  template <class N> constexpr explicit BFloat16(N x) : bits(detail::bfloat16_bits(detail::rounded_to_odd(x))) {}
  constexpr operator float() const { return detail::bfloat16_value(bits); }
};

struct Float16 {
  uint16_t bits;
  Float16() = default;
  template <class N> constexpr explicit Float16(N x) : bits(detail::float16_bits(detail::rounded_to_odd(x))) {}
  constexpr operator float() const { return detail::float16_value(bits); }
};

template <class T> inline constexpr bool is_half_type = std::same_as<T, BFloat16> || std::same_as<T, Float16>;

/// What elements of a type are computed with.
template <class T> using Arithmetic = std::conditional_t<is_half_type<T>, float, T>;

}  // namespace pf
