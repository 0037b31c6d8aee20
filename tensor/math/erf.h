#pragma once

// The error function and its complement.

#include "tensor/math/exp.h"
#include "tensor/math/log.h"

namespace pf::math {

namespace detail {

/// exp(x²)·erfc(x) for x ≥ 0, which neither underflows nor cancels. After Shepherd and Laframboise (1981): (1 + 2x) times
/// it is smooth in q = (x − 3)/(x + 3), which maps all x ≥ 0 to [-1, 1).
template <Value V> constexpr V erfcx_positive(V x) {
  x = saturate(x, V(0), pick<V>(1e18, 1e150));
  const V inverse = V(1) / (x + V(3));
  V q = (x - V(3)) * inverse;
  // One step of division: the residual x − 3 − q·(x + 3) times the inverse.
  q = fma(fma(-q, x, fma(V(-3), q + V(1), x)), inverse, q);
  V p;
  if constexpr (single<V>)
    p = poly(q, 1.25300801, -0.135621056, -0.0475621857, 0.129643857, -0.119275033, 0.0683181435, -0.0237643141,
             0.00249527465, 0.00187598553, -0.000722396886, -9.29296875e-05, 7.57669186e-05);
  else
    p = poly(q, 1.2530080582697296, -0.1356211061245812, -0.047562294353451044, 0.1296451587027646,
             -0.11927366341528287, 0.06830802734384943, -0.023770514919446147, 0.0025293918179851004,
             0.0018886903709694576, -0.000779832287973159, -0.00010515989601221478, 0.0001250994330058773,
             4.94996583855519e-06, -2.010083466282261e-05, -7.330747288008972e-07, 3.473005565217455e-06,
             3.6025069213037333e-07, -6.175340062666201e-07, -1.4663482126253238e-07, 1.0275232641151254e-07,
             4.676490062373287e-08, -1.3888545609427032e-08, -1.1621311118830947e-08, 1.195496125286491e-09,
             2.0226246924960843e-09, -3.3467413203930596e-11, -1.8194537118894664e-10);
  return p / fma(V(2), x, V(1));
}

/// exp(−factor·x²), factor a power of two: an error of the exponent is a relative error of the result, so the rounding error
/// of x² goes along.
template <Value V> constexpr V exp_minus_square(V x, Same<V> factor) {
  const auto [hi, lo] = two_product(x, x);
  const V exponent = exp_range(-factor * hi);
  const auto [n, m] = exp_parts(exponent, -factor * lo);
  return detail::scale(V(1) + m, n);
}

/// erf(x) for |x| ≤ 1.
template <Value V> constexpr V erf_small(V x) {
  const V z = x * x;
  if constexpr (single<V>)
    return fma(
        x,
        poly(z, 0.128379166, -0.37612626, 0.112835839, -0.0268537663, 0.00518823182, -0.000800926995, 7.85053926e-05),
        x);
  else
    return fma(x,
               poly(z, 0.12837916709551257, -0.3761263890318375, 0.11283791670954854, -0.02686617064507233,
                    0.005223977624775132, -0.0008548326978399811, 0.0001205533102396816, -1.4925593186037465e-05,
                    1.6460967516263594e-06, -1.6349967480218362e-07, 1.4657481589449576e-08, -1.1364090379200954e-09,
                    5.942538363676268e-11),
               x);
}

}  // namespace detail

/// 2/√π ∫₀ˣ exp(−t²) dt.
template <Value V> constexpr V erf(V x) {
  // For |x| ≥ 1: 1 − exp(a polynomial for log erfc). At the limit the result is ±1.
  const V a = detail::saturate(abs(x), V(0), detail::pick<V>(4, 6));
  V log_erfc;
  if constexpr (detail::single<V>)
    log_erfc = detail::poly(a, -0.000353719544, -1.12704003, -0.638225675, -0.103037365, 0.0218053181, -0.00293960725,
                            0.000185574012);
  else
    log_erfc =
        detail::poly(a, -5.132399517761811e-07, -1.128373991724105, -0.6366440550468538, -0.10270228993139208,
                     0.01898804226922938, 0.0004135362658374193, -0.0019189453278084245, 0.0007730428561260066,
                     -0.00013655405541406585, -1.9523874888486543e-05, 2.2533283936861137e-05, -8.578907896085466e-06,
                     2.114829629584816e-06, -3.6957068154144154e-07, 4.593388380970073e-08, -3.890072395308579e-09,
                     2.020374987870205e-10, -4.865182781100196e-12);
  return copysign(select(a < V(1), detail::erf_small(a), V(1) - exp(log_erfc)), x);
}

/// 1 − erf(x), exact to the last bits also where erf(x) is near 1.
template <Value V> constexpr V erfc(V x) {
  const V a = detail::saturate(abs(x), V(0), V(30));
  const V tail = detail::exp_minus_square(a, V(1)) * detail::erfcx_positive(a);
  const V side = select(x < V(0), V(2) - tail, tail);
  return select(a < V(0.5), V(1) - detail::erf_small(x), side);
}

}  // namespace pf::math
