#pragma once
// The error function and the normal distribution.

#include "tensor/ops/exponential.h"

namespace pf {

struct Erf : Pointwise<1> {
  static constexpr auto name = "erf";
  template <class V> constexpr V operator()(V x) const { return math::erf(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{V(1.12837916709551257390) * exp(-x * x)}; }
};

struct Erfc : Pointwise<1> {
  static constexpr auto name = "erfc";
  template <class V> constexpr V operator()(V x) const { return math::erfc(x); }
  template <class V> static constexpr auto partials(V x) {
    return std::array{V(-1.12837916709551257390) * exp(-x * x)};
  }
};

struct Erfinv : Pointwise<1> {
  static constexpr auto name = "erfinv";
  static constexpr Domain domain = {-0.9, 0.9};
  template <class V> constexpr V operator()(V x) const { return math::erfinv(x); }
  template <class V> static constexpr auto partials(V, V y) {
    return std::array{V(0.886226925452758013649) * exp(y * y)};
  }
};

struct Ndtr : Pointwise<1> {
  static constexpr auto name = "ndtr";
  template <class V> constexpr V operator()(V x) const { return math::ndtr(x); }
  template <class V> static constexpr auto partials(V x) {
    return std::array{V(0.398942280401432677940) * exp(V(-0.5) * x * x)};
  }
};

struct Ndtri : Pointwise<1> {
  static constexpr auto name = "ndtri";
  static constexpr Domain domain = {0.05, 0.95};
  template <class V> constexpr V operator()(V p) const { return math::ndtri(p); }
  template <class V> static constexpr auto partials(V, V y) {
    return std::array{V(2.50662827463100050242) * exp(V(0.5) * y * y)};
  }
};

struct NormalHazard : Pointwise<1> {
  static constexpr auto name = "normal_hazard";
  template <class V> constexpr V operator()(V x) const {
    // erfcx(t) = exp(t²)·erfc(t) at t = |x|/√2 gives both tails, without a quotient of two vanishing numbers.
    const V scaled = math::detail::erfcx_positive(abs(x) * V(0.707106781186547524401));
    const V density = exp(V(-0.5) * x * x);
    return select(x < V(0), V(0.797884560802865355880) / scaled,
                  V(0.398942280401432677940) * density / (V(1) - V(0.5) * density * scaled));
  }
  template <class V> static constexpr auto partials(V x, V y) { return std::array{-y * (x + y)}; }
};

template <Operand A> constexpr A normal_hazard(const A& x);

struct LogNdtr : Pointwise<1> {
  static constexpr auto name = "log_ndtr";
  static constexpr Domain domain = {-8, 3};
  template <class V> constexpr V operator()(V x) const { return math::log_ndtr(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{normal_hazard(x)}; }
};

template <ArrayOrDual A> constexpr A erf(const A& x) { return apply(Erf{}, x); }
/// 1 − erf(x), with all digits also where that is tiny.
template <ArrayOrDual A> constexpr A erfc(const A& x) { return apply(Erfc{}, x); }
/// The y with erf(y) = x; ±∞ at ±1, NaN beyond.
template <ArrayOrDual A> constexpr A erfinv(const A& x) { return apply(Erfinv{}, x); }
/// Φ(x), the distribution function of the standard normal.
template <ArrayOrDual A> constexpr A ndtr(const A& x) { return apply(Ndtr{}, x); }
/// Φ⁻¹(p), the quantile of the standard normal: ±∞ at 1 and 0, NaN outside.
template <ArrayOrDual A> constexpr A ndtri(const A& p) { return apply(Ndtri{}, p); }
/// φ(x) / Φ(x), the derivative of log_ndtr (the inverse Mills ratio), also where both underflow.
template <Operand A> constexpr A normal_hazard(const A& x) { return apply(NormalHazard{}, x); }
/// log Φ(x), also where Φ(x) underflows.
template <ArrayOrDual A> constexpr A log_ndtr(const A& x) { return apply(LogNdtr{}, x); }

}  // namespace pf
