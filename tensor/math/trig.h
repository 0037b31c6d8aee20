#pragma once

// Trigonometric functions: x = q·π/2 + r with |r| ≤ π/4 after Cody and Waite, then a polynomial in r.

#include "tensor/math/large_angle.h"
#include "tensor/math/parts.h"

namespace pf::math {

namespace detail {

/// The largest |x| that the reduction by four parts of π/2 serves; large_angle.h takes the rest, one lane at a time.
template <class V> inline constexpr double trig_limit = single<V> ? 8192.0 : 1e6;

template <class V> struct SinCos {
  V sin, cos;         // of r
  mask_t<V> odd;      // q is odd: sine and cosine change places
  bits_t<V> quarter;  // q mod 4 in the lowest two bits
};

/// sin r and cos r for |r| ≤ π/4.
template <Value V> constexpr Pair<V> sin_cos_near_zero(V r) {
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
  return {fma(r * z, s, r), fma(z * z, c, fma(z, V(-0.5), V(1)))};
}

template <Value V> constexpr SinCos<V> sin_cos_parts(V x) {
  using U = word_t<V>;
  using B = bits_t<V>;
  const V q = round(x * V(0.63661977236758134308));
  // The first two parts have so few bits that their product with q, and the difference, are exact.
  V r = fma(q, -pick<V>(0x1.92p+0, 0x1.921fb544p+0), x);
  r = fma(q, -pick<V>(0x1.fb4p-12, 0x1.0b4611a4p-34), r);
  r = add_product(r, q, -pick<V>(0x1.4442d2p-24, 0x1.13198a2e03707p-65));
  r = fma(q, -pick<V>(-0x1.ee59dap-50, 0x1.a252049c1114dp-120), r);
  const auto [s, c] = sin_cos_near_zero(r);
  // The lowest bits of q, as in pow2().
  const B quarter = to_bits(q + V(single<V> ? 0x1.8p23 : 0x1.8p52));
  const auto odd = from_bits<V>((quarter & B(U(1))) << (8 * int(sizeof(U)) - 2)) != V(0);
  return {s, c, odd, quarter};
}

/// x with its sign flipped where bit 1 of `quarter` is set.
template <Value V> constexpr V flip_by_half_turns(V x, bits_t<V> quarter) {
  using U = word_t<V>;
  return from_bits<V>(to_bits(x) ^ ((quarter << (8 * int(sizeof(U)) - 2)) & to_bits(V(-0.0))));
}

/// sin |x| and cos |x| for large finite |x|. In float64 for float32 too: lanes that come here are few.
constexpr Pair<double> sin_cos_of_large(double x) {
  const auto [r, rest, quarter] = reduce_large_angle(x);
  const auto [s0, c0] = sin_cos_near_zero(r);
  const double s = s0 + rest * c0, c = c0 - rest * s0;
  return {(quarter & 1 ? c : s) * (quarter & 2 ? -1 : 1), (quarter & 1 ? s : c) * ((quarter + 1) & 2 ? -1 : 1)};
}

/// `y` where |x| is within the limit, elsewhere f(sin |x|, cos |x|) times the sign of x for odd functions; NaN of infinities.
template <bool is_odd, Value V, class F> constexpr V beyond_trig_limit(V x, V y, F f) {
  const auto within = abs(x) <= V(trig_limit<V>);
  if (all(within)) return y;
  return select(within, y, each_lane(x, [f](auto lane) {
                  using T = decltype(lane);
                  if (!(lane - lane == T(0))) return std::numeric_limits<T>::quiet_NaN();
                  if (lane <= T(trig_limit<V>) && -lane <= T(trig_limit<V>)) return T(0);  // not used
                  const auto [s, c] = sin_cos_of_large(double(lane));
                  return T(is_odd && lane < T(0) ? -f(s, c) : f(s, c));
                }));
}

/// sin, cos and tan of angles known to be within trig_limit (NaN gives NaN), with nothing for others.
template <Value V> constexpr V sin_within(V x) {
  const auto [s, c, odd, quarter] = sin_cos_parts(x);
  const V y = flip_by_half_turns(select(odd, c, s), quarter);
  return select(x == V(0), x, y);
}
template <Value V> constexpr V cos_within(V x) {
  using U = word_t<V>;
  const auto [s, c, odd, quarter] = sin_cos_parts(x);
  return flip_by_half_turns(select(odd, s, c), quarter + bits_t<V>(U(1)));
}
template <Value V> constexpr V tan_within(V x) {
  const auto [s, c, odd, quarter] = sin_cos_parts(x);
  return select(x == V(0), x, select(odd, -c, s) / select(odd, s, c));
}

}  // namespace detail

template <Value V> constexpr V sin(V x) {
  return detail::beyond_trig_limit<true>(x, detail::sin_within(x), [](double s, double) { return s; });
}

template <Value V> constexpr V cos(V x) {
  return detail::beyond_trig_limit<false>(x, detail::cos_within(x), [](double, double c) { return c; });
}

template <Value V> constexpr V tan(V x) {
  return detail::beyond_trig_limit<true>(x, detail::tan_within(x), [](double s, double c) { return s / c; });
}

}  // namespace pf::math
