#pragma once

// Hyperbolic functions and their inverses: a polynomial near zero, exponentials or logarithms elsewhere.

#include "tensor/math/exp.h"
#include "tensor/math/log.h"

namespace pf::math {

template <Value V> constexpr V sinh(V x) {
  using namespace detail;
  const V a = abs(x), z = x * x;
  V p;
  if constexpr (single<V>) p = poly(z, 0.166666672, 0.00833335053, 0.000198360562, 2.81750181e-06);
  else
    p = poly(z, 0.16666666666666666, 0.008333333333333333, 0.0001984126984126959, 2.7557319224120914e-06,
             2.505210834548167e-08, 1.6059050726564202e-10, 7.646474979389693e-13, 2.8484354860583376e-15);
  const V e = half_exp(a);
  return select(a < V(1), fma(x * z, p, x), copysign(e - V(0.25) / e, x));
}

template <Value V> constexpr V cosh(V x) {
  const V e = detail::half_exp(abs(x));
  return e + V(0.25) / e;
}

template <Value V> constexpr V tanh(V x) {
  using namespace detail;
  const V a = abs(x), z = x * x;
  V p;
  if constexpr (single<V>) p = poly(z, -0.333332837, 0.133314908, -0.0537433848, 0.0206502005, -0.00571659254);
  else
    p = poly(z, -0.33333333333333315, 0.13333333333329883, -0.05396825396613079, 0.021869488470553897,
             -0.008863234339904264, 0.0035921142553091033, -0.0014557275125298612, 0.0005894581719379699,
             -0.00023702884289327695, 9.158751072706275e-05, -3.0215615666909077e-05, 6.054581389534155e-06);
  const V far = V(1) - V(2) / (exp(a + a) + V(1));
  return copysign(select(a < V(0.625), fma(a * z, p, a), far), x);
}

template <Value V> constexpr V asinh(V x) {
  const V a = abs(x);
  // For large x the square would overflow, and log(2x) is exact to the last bit.
  const auto large = a > detail::pick<V>(0x1p14, 0x1p28);
  const V square = a * a;
  const V near = log1p(select(large, V(1), a + square / (V(1) + sqrt(V(1) + square))));
  return copysign(select(large, log(a) + V(0.693147180559945309417), near), x);
}

template <Value V> constexpr V acosh(V x) {
  const auto large = x > detail::pick<V>(0x1p14, 0x1p28);
  const V t = x - V(1);
  const V near = log1p(t + sqrt(t * (t + V(2))));
  return select(x < V(1), V(detail::nan<V>), select(large, log(x) + V(0.693147180559945309417), near));
}

template <Value V> constexpr V atanh(V x) {
  const V a = abs(x);
  const V twice = a + a;
  // 2a/(1−a) = 2a + 2a²/(1−a): the second form keeps the small a exact.
  const V t = select(a < V(0.5), twice + twice * a / (V(1) - a), twice / (V(1) - a));
  return copysign(V(0.5) * log1p(t), x);
}

}  // namespace pf::math
