#pragma once
// Activation checkpointing (Chen et al. 2016, arXiv 1604.06174): a piece of a computation keeps only its inputs and its
// result, and is computed a second time when derivatives are asked for. Less memory for about a third more time.

#include <array>

#include "autograd/autograd.h"

namespace pf {

namespace detail {
Variable checkpoint(const ListMap& f, std::span<const Variable> inputs);
}  // namespace detail

/// f(inputs…) without its graph. Derivatives reach the inputs and everything tracked that f captured, such as
/// parameters, and may be recorded. f must compute the same each time it is called: draw random numbers outside and
/// pass them in (checked: a second run that gives other bits is an error).
template <class F, class... X>
requires std::convertible_to<std::invoke_result_t<const F&, const X&...>, Variable> Variable
checkpoint(const F& f, const X&... inputs) {
  const std::array<Variable, sizeof...(X)> list{Variable(inputs)...};
  return detail::checkpoint(
      [f](std::span<const Variable> x) -> Variable {
        return [&]<size_t... I>(std::index_sequence<I...>) { return f(x[I]...); }
        (std::index_sequence_for<X...>{});
      },
      list);
}

}  // namespace pf
