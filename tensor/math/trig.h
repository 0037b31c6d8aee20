#pragma once

// Trigonometric functions: x = q·π/2 + r with |r| ≤ π/4 after Cody and Waite, then a polynomial in r.

#include "tensor/math/parts.h"

namespace pf::math {

namespace detail {

/// The largest |x| that the reduction by four parts of π/2 serves; libm takes the rest, one lane at a time.
template <class V> inline constexpr double trig_limit = single<V> ? 8192.0 : 1e6;

template <class V> struct SinCos {
  V sin, cos;         // of r
  mask_t<V> odd;      // q is odd: sine and cosine change places
  bits_t<V> quarter;  // q mod 4 in the lowest two bits
};

template <Value V> constexpr SinCos<V> sin_cos_parts(V x) {
  using U = word_t<V>;
  using B = bits_t<V>;
  const V q = round(x * V(0.63661977236758134308));
  // The first two parts have so few bits that their product with q, and the difference, are exact.
  V r = fma(q, -pick<V>(0x1.92p+0, 0x1.921fb544p+0), x);
  r = fma(q, -pick<V>(0x1.fb4p-12, 0x1.0b4611a4p-34), r);
  r = add_product(r, q, -pick<V>(0x1.4442d2p-24, 0x1.13198a2e03707p-65));
  r = fma(q, -pick<V>(-0x1.ee59dap-50, 0x1.a252049c1114dp-120), r);
  const V z = r * r;
  V s, c;
  if constexpr (single<V>) {
    s = poly(z, -0.166666552, 0.00833217334, -0.000195166562);
    c = poly(z, 0.0416666456, -0.00138873619, 2.44377297e-05);
  } else {
    s = poly(z, -0.16666666666666632, 0.008333333333322316, -0.00019841269829725194, 2.7557313662053595e-06,
             -2.5050753263914053e-08, 1.589650491115342e-10);
    c = poly(z, 0.0416666666666666, -0.001388888888887399, 2.4801587289394916e-05, -2.7557314326027606e-07,
             2.087571955825777e-09, -1.1359448656140994e-11);
  }
  // The lowest bits of q, as in pow2().
  const B quarter = to_bits(q + V(single<V> ? 0x1.8p23 : 0x1.8p52));
  const auto odd = from_bits<V>((quarter & B(U(1))) << (8 * int(sizeof(U)) - 2)) != V(0);
  return {fma(r * z, s, r), fma(z * z, c, fma(z, V(-0.5), V(1))), odd, quarter};
}

/// x with its sign flipped where bit 1 of `quarter` is set.
template <Value V> constexpr V flip_by_half_turns(V x, bits_t<V> quarter) {
  using U = word_t<V>;
  return from_bits<V>(to_bits(x) ^ ((quarter << (8 * int(sizeof(U)) - 2)) & to_bits(V(-0.0))));
}

/// `y` where |x| is within the limit, libm elsewhere (infinities and NaN included).
template <Value V, class F> constexpr V beyond_trig_limit(V x, V y, F libm) {
  const auto within = abs(x) <= V(trig_limit<V>);
  if (all(within)) return y;
  return select(within, y, each_lane(x, libm));
}

}  // namespace detail

template <Value V> constexpr V sin(V x) {
  const auto [s, c, odd, quarter] = detail::sin_cos_parts(x);
  const V y = detail::flip_by_half_turns(select(odd, c, s), quarter);
  return detail::beyond_trig_limit(x, select(x == V(0), x, y), [](auto lane) { return std::sin(lane); });
}

template <Value V> constexpr V cos(V x) {
  using U = detail::word_t<V>;
  const auto [s, c, odd, quarter] = detail::sin_cos_parts(x);
  const V y = detail::flip_by_half_turns(select(odd, s, c), quarter + bits_t<V>(U(1)));
  return detail::beyond_trig_limit(x, y, [](auto lane) { return std::cos(lane); });
}

template <Value V> constexpr V tan(V x) {
  const auto [s, c, odd, quarter] = detail::sin_cos_parts(x);
  const V y = select(odd, -c, s) / select(odd, s, c);
  return detail::beyond_trig_limit(x, select(x == V(0), x, y), [](auto lane) { return std::tan(lane); });
}

}  // namespace pf::math
