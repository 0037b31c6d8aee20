#pragma once

// x mod π/2 where x is so large that a few parts of π/2 do not do: Payne and Hanek, "Radian reduction for trigonometric
// functions", 1983. The bits of 2/π that decide are multiplied with the mantissa of x in whole numbers, one lane at a time.

#include <bit>

#include "tensor/math/parts.h"

namespace pf::math::detail {

/// 2/π as a binary fraction, 64 bits a word, after a word of zeros. A GPU has a table of its own: of an array in the function it
/// would keep a copy for each thread.
#define PF_TWO_OVER_PI                                                                                         \
  0, 0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u, 0xb7246e3a424dd2e0u,  \
      0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u, 0xe99c7026b45f7e41u, 0x3991d639835339f4u, \
      0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu, 0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u, 0x4f463f669e5fea2du, \
      0x7527bac7ebe5f17bu, 0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu, 0xf0cfbc209af4361du

inline constexpr uint64_t two_over_pi_words[] = {PF_TWO_OVER_PI};
#if defined(__CUDACC__)
__device__ constexpr uint64_t two_over_pi_on_device[] = {PF_TWO_OVER_PI};
#endif
#undef PF_TWO_OVER_PI

constexpr uint64_t two_over_pi(int word) {
#if defined(__CUDA_ARCH__)
  return two_over_pi_on_device[word];
#else
  return two_over_pi_words[word];
#endif
}

struct ReducedAngle {
  double hi, lo;     // |x| − q·π/2 = hi + lo, within ±π/4
  unsigned quarter;  // q mod 4
};

/// Of |x| for a finite |x| ≥ 4096, with an error far below the last bit of hi: no float64 comes nearer to a multiple of π/2 than
/// 2⁻⁶¹, and 190 bits of the quotient are kept.
constexpr ReducedAngle reduce_large_angle(double x) {
  using Wide = unsigned __int128;
  const uint64_t bits = std::bit_cast<uint64_t>(x) & 0x7fffffffffffffffu;
  const uint64_t mantissa = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  // |x| = mantissa·2^e. Bits of 2/π before the (e − 1)-th give multiples of 4.
  const int first = int(bits >> 52) - 1075 - 2 + 64, word = first >> 6, shift = first & 63;
  uint64_t w[3];
  for (int k = 0; k < 3; ++k)  // high word first
    w[k] = shift ? two_over_pi(word + k) << shift | two_over_pi(word + k + 1) >> (64 - shift) : two_over_pi(word + k);
  const Wide low = Wide(mantissa) * w[2], middle = Wide(mantissa) * w[1] + uint64_t(low >> 64);
  const uint64_t high = mantissa * w[0] + uint64_t(middle >> 64);
  // |x|·2/π mod 4 as two bits and a fraction, rounded to the nearest whole number.
  Wide fraction = (Wide(high) << 64 | uint64_t(middle)) << 2 | uint64_t(low) >> 62;
  const bool up = fraction >> 127;
  if (up) fraction = -fraction;
  const unsigned quarter = unsigned(high >> 62) + up;
  // The first 106 bits that are not zero, as two numbers of 53, times π/2.
  const int zeros = uint64_t(fraction >> 64) ? std::countl_zero(uint64_t(fraction >> 64))
                                             : 64 + std::countl_zero(uint64_t(fraction) | 1);
  const Wide scaled = fraction << zeros;
  const double unit = std::bit_cast<double>(uint64_t(1023 - 53 - zeros) << 52) * (up ? -1 : 1);
  const double a = double(int64_t(uint64_t(scaled >> 75))) * unit;
  const double b = double(int64_t(uint64_t(scaled >> 22) & 0x1fffffffffffffu)) * (unit * 0x1p-53);
  const auto [hi, lo] = two_product(a, 1.5707963267948966);
  const auto [r, rest] = fast_two_sum(hi, lo + (a * 6.123233995736766e-17 + b * 1.5707963267948966));
  return {r, rest, quarter & 3};
}

}  // namespace pf::math::detail
