#pragma once
#include "tensor/ops/op.h"

namespace pf {

/// eˣ
struct Exp : Pointwise<1> {
  static constexpr auto name = "exp";
  template <class V> V operator()(V x) const { return math::exp(x); }
  template <class V> static auto partials(V, V y) { return std::array{y}; }
};

/// Natural logarithm.
struct Log : Pointwise<1> {
  static constexpr auto name = "log";
  static constexpr Domain domain = {0.1, 5};
  template <class V> V operator()(V x) const { return math::log(x); }
  template <class V> static auto partials(V x) { return std::array{V(1) / x}; }
};

template <Operand A>
A exp(const A& x) {
  return apply(Exp{}, x);
}
template <Operand A>
A log(const A& x) {
  return apply(Log{}, x);
}

}  // namespace pf
