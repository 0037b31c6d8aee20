#pragma once

// Powers: xʸ = 2^(y·log₂ x), the logarithm and the product in double-word arithmetic, because an error of y·log₂ x is an
// error of the result multiplied by it.

#include "tensor/math/exp.h"
#include "tensor/math/log.h"

namespace pf::math {

namespace detail {

/// log₂ x for positive finite x, to about twice the precision of V.
template <Value V> constexpr Pair<V> log2_pair(V x) {
  const auto [m, k] = split_exponent(x);
  // s = (m − 1)/(m + 1) with its error, then log m = 2s + ⅔s³ + …, every coefficient divided by log 2.
  const V f = m - V(1);
  const auto d = two_sum(m, V(1));
  const V s = f / d.hi;
  const auto back = two_product(s, d.hi);
  const V s_low = (((f - back.hi) - back.lo) - s * d.lo) / d.hi;

  auto z = two_product(s, s);
  z.lo += V(2) * s * s_low;
  V more;
  if constexpr (single<V>) more = poly(z.hi, 0.577077985, 0.41220504, 0.320060998, 0.280880809);
  else
    more = poly(z.hi, 0.5770780163555851, 0.4121985831113726, 0.32059889790734986, 0.2623081992313982,
                0.2219522359018214, 0.1924025109539839, 0.1684295698735446, 0.1729853959768544);
  const auto third = fast_two_sum(pick<V>(0.961796701, 0.9617966939259756),
                                  fma(z.hi, more, pick<V>(-7.02846181e-09, 5.0577616648125907e-17)));
  auto term = two_product(z.hi, third.hi);
  term.lo += z.hi * third.lo + z.lo * third.hi;
  auto factor = fast_two_sum(pick<V>(2.88539004, 2.8853900817779268), term.hi);
  factor.lo += term.lo + pick<V>(3.85192607e-08, 4.0710547481862066e-17);
  auto log_m = two_product(s, factor.hi);
  log_m.lo += s * factor.lo + s_low * factor.hi;

  auto sum = fast_two_sum(k, log_m.hi);
  sum.lo += log_m.lo;
  return sum;
}

}  // namespace detail

/// xʸ with the special cases of IEEE 754.
template <Value V> constexpr V pow(V x, detail::Same<V> y) {
  using namespace detail;
  const V zero = V(0), one = V(1), infinite = V(infinity<V>);
  const V a = abs(x);
  const auto log = log2_pair(a);
  // A larger |y| overflows or underflows already with the x next to 1; limiting it keeps the products finite.
  const V limited = saturate(y, pick<V>(-0x1p40, -0x1p70), pick<V>(0x1p40, 0x1p70));
  const auto product = two_product(limited, log.hi);
  const V hi = saturate(product.hi, pick<V>(-151, -1076), pick<V>(129, 1025));
  const V lo = select(hi == product.hi, product.lo + limited * log.lo, zero);
  const V n = round(hi);
  V size = scale(one + expm1_small(((hi - n) + lo) * V(0.693147180559945309417)), n);

  const auto shrinks = y < zero;
  size = select(a == zero, select(shrinks, infinite, zero), size);
  size = select(a == infinite, select(shrinks, zero, infinite), size);
  const auto whole = y == round(y);
  const V half = V(0.5) * y;
  const auto odd = whole && half != round(half);
  V result = select(odd && signbit(x), -size, size);
  result = select(x < zero && a < infinite && !whole, V(nan<V>), result);
  result = select(isnan(x) || isnan(y), x + y, result);
  return select(x == one || y == zero || (a == one && isinf(y)), one, result);
}

/// The real cube root.
template <Value V> constexpr V cbrt(V x) {
  using namespace detail;
  const V a = abs(x);
  const auto [m, k] = split_exponent(a);
  // k = 3j + i: the root of 2ⁱ·m to half the bits by exponential and logarithm, then Newton's step.
  const V j = round(k * V(1.0 / 3));
  const V b = m * pow2(k - V(3) * j);
  V y = exp(V(1.0 / 3) * math::log(b));
  const auto square = two_product(y, y);
  const auto cube = two_product(square.hi, y);
  const V residual = ((cube.hi - b) + cube.lo) + square.lo * y;
  y = y - residual / (V(3) * square.hi);
  return select(x == V(0) || !isfinite(x), x, copysign(y * pow2(j), x));
}

}  // namespace pf::math
