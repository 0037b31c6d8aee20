#pragma once
// Dual numbers: a value and its N partial derivatives. Running a formula on duals of SIMD vectors is what the fused
// backward kernels are: every operation inside carries the derivatives along by the chain rule.

#include "tensor/ops/op.h"

namespace pf {

template <class V, int N> struct Dual {
  V value{};
  std::array<V, N> partial{};

  constexpr Dual() = default;
  constexpr Dual(const V& value) : value(value) {
    for (V& p : partial) p = V(0);
  }
  template <class T>
  requires(std::is_arithmetic_v<T> && !std::same_as<T, V>) constexpr Dual(T number) : Dual(V(number)) {}
  /// The i-th input of a formula: derivative 1 with respect to itself.
  static constexpr Dual input(const V& value, int i) {
    Dual out(value);
    out.partial[i] = V(1);
    return out;
  }
};

/// The chain rule for one operation inside a formula. An operation without closed-form partials is run on the duals.
template <DualValue D, class F, class... X> constexpr D apply_dual(const F& f, const X&... x) {
  if constexpr (!has_partials<F>) {
    return f(x...);
  } else {
    D out;
    out.value = f(x.value...);
    const auto partials = partials_of(f, out.value, x.value...);
    for (size_t k = 0; k < out.partial.size(); ++k) {
      size_t i = 0;
      auto sum = decltype(out.value)(0);
      ((sum = sum + partials[i++] * x.partial[k]), ...);
      out.partial[k] = sum;
    }
    return out;
  }
}

// Comparisons look at the values; they are what `select` is given inside a formula.
namespace detail {
template <class X> constexpr const auto& primal(const X& x) {
  if constexpr (DualValue<X>) return x.value;
  else return x;
}
}  // namespace detail
template <class A, class B>
concept DualPair = OperandPair<A, B> &&(DualValue<A> || DualValue<B>);
template <class A, class B>
requires DualPair<A, B>
constexpr auto operator<(const A& a, const B& b) { return detail::primal(a) < detail::primal(b); }
template <class A, class B>
requires DualPair<A, B>
constexpr auto operator>(const A& a, const B& b) { return detail::primal(a) > detail::primal(b); }
template <class A, class B>
requires DualPair<A, B>
constexpr auto operator<=(const A& a, const B& b) { return detail::primal(a) <= detail::primal(b); }
template <class A, class B>
requires DualPair<A, B>
constexpr auto operator>=(const A& a, const B& b) { return detail::primal(a) >= detail::primal(b); }
template <class A, class B>
requires DualPair<A, B>
constexpr auto equal(const A& a, const B& b) { return detail::primal(a) == detail::primal(b); }
template <DualValue D> constexpr auto isnan(const D& x) { return math::isnan(x.value); }
template <DualValue D> constexpr auto isinf(const D& x) { return math::isinf(x.value); }
template <DualValue D> constexpr auto isfinite(const D& x) { return math::isfinite(x.value); }

template <class M, class V, int N>
constexpr Dual<V, N> select(const M& mask, const Dual<V, N>& a, const Dual<V, N>& b) {
  Dual<V, N> out;
  out.value = math::select(mask, a.value, b.value);
  for (int k = 0; k < N; ++k) out.partial[k] = math::select(mask, a.partial[k], b.partial[k]);
  return out;
}
/// One of the two is a number.
template <class M, class A, class B>
requires(DualPair<A, B> && !std::same_as<A, B>) constexpr auto select(const M& mask, const A& a, const B& b) {
  using D = typename detail::Stronger<A, B>::type;
  return select(mask, D(a), D(b));
}

}  // namespace pf
