#pragma once

// What the elementary functions are measured by: the error in ulp, and the functions that the C library lacks, written for
// accuracy alone in a type wider than the one under test.

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>

#include "tensor/math.h"

namespace pf::reference {

/// The type whose library functions judge those of T.
template <class T> using Wider = std::conditional_t<std::same_as<T, float>, double, long double>;

/// |got − want| in units in the last place; infinity where the kinds differ (NaN, or the sign of a zero).
template <class T> double error_in_ulp(T got, Wider<T> want, double at_least = 0) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  using Limits = std::numeric_limits<T>;
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want) ? 0 : wrong;
  if (got == 0 && want == 0) return std::signbit(got) == std::signbit(want) ? 0 : wrong;
  // Infinity counts as the next number after the largest, so that an overflow one ulp too early is an error of one ulp.
  const Wider<T> beyond = std::ldexp(Wider<T>(1), Limits::max_exponent);
  const Wider<T> g = std::isinf(got) ? std::copysign(beyond, Wider<T>(got)) : Wider<T>(got);
  const Wider<T> w = std::abs(want) > beyond ? std::copysign(beyond, want) : want;
  if (g == w) return 0;
  const Wider<T> size = std::max({std::abs(w), Wider<T>(at_least), Wider<T>(Limits::min())});
  const Wider<T> ulp =
      std::ldexp(Wider<T>(1), std::max(std::ilogb(size), Limits::min_exponent - 1) - (Limits::digits - 1));
  return double(std::abs(g - w) / ulp);
}

inline constexpr long double pi = 3.14159265358979323846264338327950288L;
// 1/√2, and what a long double cannot hold of it.
inline constexpr long double sqrt_half = 0.707106781186547524400844362104849039L;

template <class W> W sigmoid(W x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
template <class W> W softplus(W x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
template <class W> W log_sigmoid(W x) { return -softplus(-x); }
template <class W> W log1mexp(W x) { return x > W(-0.69) ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x)); }
template <class W> W logaddexp(W a, W b) {
  if (std::isnan(a) || std::isnan(b)) return a + b;
  return a == b ? a + std::log(W(2)) : std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
}

template <class W> W ndtr(W x) {
  // The rounding error of z is put back by the first derivative: in the tail erfc multiplies it by 2z².
  const W s = W(sqrt_half), z = -x * s;
  const W error = std::fma(-x, s, -z) - x * W(sqrt_half - (long double)(s));
  const W y = std::erfc(z) / 2;
  return std::isfinite(x) ? y - error * std::exp(-z * z) * W(0.564189583547756286948L) : y;
}

template <class W> W log_ndtr(W x) {
  if (x > 0) return std::log1p(-ndtr(-x));
  if (!(x < -25)) return std::log(ndtr(x));
  if (std::isinf(x)) return x;
  W sum = 1, term = 1;
  for (int k = 1; k < 12; ++k) sum += (term *= -(2 * k - 1) / (x * x));
  return -x * x / 2 - std::log(-x * W(2.50662827463100050241576528481104525L)) + std::log(sum);
}

/// The root of Φ(y) = p for p ≤ ½, by Newton's method on log Φ.
inline long double lower_quantile(long double p, int steps) {
  long double y = math::ndtri(double(p));
  for (int i = 0; i < steps; ++i) {
    const long double cdf = ndtr(y);
    y -= (std::log(cdf) - std::log(p)) * cdf / (std::exp(-y * y / 2) * 0.398942280401432677939946L);
  }
  return y;
}

/// For the double that a float is compared to, one step from the function's own double result is enough.
template <class W> inline constexpr int newton_steps = std::same_as<W, double> ? 1 : 3;

template <class W> W ndtri(W w) {
  const long double p = w;
  constexpr W infinity = std::numeric_limits<W>::infinity();
  if (p == 0 || p == 1) return p == 0 ? -infinity : infinity;
  if (!(p > 0 && p < 1)) return std::numeric_limits<W>::quiet_NaN();
  if (p == 0.5L) return 0;
  return W(p < 0.5L ? lower_quantile(p, newton_steps<W>) : -lower_quantile(1 - p, newton_steps<W>));
}

template <class W> W erfinv(W w) {
  const long double x = w, a = std::abs(x);
  if (a == 1) return std::copysign(std::numeric_limits<W>::infinity(), w);
  if (!(a < 1)) return std::numeric_limits<W>::quiet_NaN();
  if (a > 0.5L) return W(std::copysign(lower_quantile((1 - a) / 2, newton_steps<W>) * sqrt_half, x));
  long double y = math::erfinv(double(x));
  for (int i = 0; i < newton_steps<W>; ++i) y -= (std::erf(y) - x) / (std::exp(-y * y) * 1.12837916709551257390L);
  return W(y);
}

template <class W> W lgamma(W x) { return x == -std::numeric_limits<W>::infinity() ? -x : std::lgamma(x); }

/// ψ and ψ′ by recurrence up to 30 and the asymptotic series.
template <class W> W digamma(W w) {
  long double x = w;
  if (x == 0) return std::copysign(std::numeric_limits<W>::infinity(), -w);
  if (x < 0) {
    const long double r = x - std::round(x);
    return r == 0 || std::isinf(x) ? std::numeric_limits<W>::quiet_NaN() : W(digamma(1 - x) - pi / std::tan(pi * r));
  }
  long double sum = 0;
  for (; x < 30; x += 1) sum -= 1 / x;
  if (std::isinf(x)) return W(x);
  const long double z = 1 / (x * x);
  const long double series =
      z * (1 / 12.0L -
           z * (1 / 120.0L - z * (1 / 252.0L - z * (1 / 240.0L - z * (1 / 132.0L - z * (691 / 32760.0L - z / 12))))));
  return W(sum + std::log(x) - 0.5L / x - series);
}

template <class W> W trigamma(W w) {
  long double x = w;
  if (x == 0) return std::numeric_limits<W>::infinity();
  if (x < 0) {
    const long double r = x - std::round(x);
    if (r == 0 || std::isinf(x)) return std::numeric_limits<W>::infinity();
    const long double s = pi / std::sin(pi * r);
    return W(s * s - trigamma(1 - x));
  }
  long double sum = 0;
  for (; x < 30; x += 1) sum += 1 / (x * x);
  const long double i = 1 / x, z = i * i;
  const long double series =
      i * z *
      (1 / 6.0L -
       z * (1 / 30.0L - z * (1 / 42.0L - z * (1 / 30.0L - z * (5 / 66.0L - z * (691 / 2730.0L - z * 7 / 6))))));
  return W(sum + i + z / 2 + series);
}

}  // namespace pf::reference
