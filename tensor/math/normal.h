#pragma once

// The normal distribution: its distribution function, the inverse of that, and relatives.

#include "tensor/math/erf.h"

namespace pf::math {

namespace detail {

/// The quantile of the standard normal at ½ + q, given also the probability of the nearer tail, ½ − |q|, without
/// cancellation. Wichura (1988), algorithm AS 241, PPND16.
template <Value V> constexpr V normal_quantile(V q, V tail) {
  const V s = V(0.180625) - q * q;
  const V center =
      q *
      poly(s, 3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
           4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3) /
      poly(s, 1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
           2.12137943015865958670e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3);
  const V r = sqrt(-log(tail));
  const V u = r - V(1.6);
  const V near =
      poly(u, 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
           1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4) /
      poly(u, 1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
           1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9);
  const V v = r - V(5);
  const V far =
      poly(v, 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
           2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7) /
      poly(v, 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
           7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15);
  const V size = select(tail == V(0), V(infinity<V>), select(r <= V(5), near, far));
  return select(abs(q) <= V(0.425), center, copysign(size, q));
}

/// Φ(−a) for a ≥ 0.
template <Value V> constexpr V normal_tail(V a) {
  return V(0.5) * exp_minus_square(a, V(0.5)) * erfcx_positive(a * V(0.707106781186547524401));
}

}  // namespace detail

/// The standard normal distribution function Φ(x).
template <Value V> constexpr V ndtr(V x) {
  const V a = detail::saturate(abs(x), V(0), V(40));
  const V tail = detail::normal_tail(a);
  const V middle = V(0.5) + V(0.5) * detail::erf_small(detail::saturate(x, V(-1), V(1)) * V(0.707106781186547524401));
  return select(a < V(1), middle, select(x < V(0), tail, V(1) - tail));
}

/// log Φ(x), also where Φ(x) itself underflows.
template <Value V> constexpr V log_ndtr(V x) {
  using namespace detail;
  const V a = abs(x);
  const V below = log(V(0.5) * erfcx_positive(a * V(0.707106781186547524401))) - V(0.5) * a * a;
  // Φ(x) − 1, whichever way keeps its digits.
  const V middle = V(0.5) * erf_small(saturate(x, V(-1), V(1)) * V(0.707106781186547524401)) - V(0.5);
  const V above = log1p(select(x > V(0.5), -normal_tail(saturate(a, V(0), V(40))), middle));
  return select(x < V(-1), below, above);
}

/// The x with Φ(x) = p; ±∞ at 1 and 0, NaN outside.
template <Value V> constexpr V ndtri(V p) {
  return detail::normal_quantile(p - V(0.5), select(p < V(0.5), p, V(1) - p));
}

/// The y with erf(y) = x; ±∞ at ±1, NaN outside.
template <Value V> constexpr V erfinv(V x) {
  const V tail = V(0.5) * (V(1) - abs(x));
  return select(x == V(0), x, detail::normal_quantile(V(0.5) * x, tail) * V(0.707106781186547524401));
}

}  // namespace pf::math
