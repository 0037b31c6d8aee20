#pragma once
// The mass of one logistic between the halves around a level, as a formula: what discretised mixtures are made of.

#include "tensor/ops/activations.h"

namespace pf {

/// weight + log [σ(b₊) − σ(b₋)], b± = (x ± h − m) e⁻ˢ, for levels on a line from −1 to 1, 2h apart; the outermost reach to
/// ±∞. The difference of two sigmoids is σ(b₊) σ(−b₋) (1 − e^(b₋ − b₊)), whose logarithm is exact everywhere.
struct DiscretisedLogisticTerm : Pointwise<4> {
  static constexpr auto name = "discretised_logistic_term";
  static constexpr bool heavy = true;
  // Test samples keep away from the ends of the outermost levels.
  static constexpr std::array<Domain, 4> domains = {Domain{-1, 1, {-0.75, 0.75}}, Domain{}, Domain{-1, 1},
                                                    Domain{-2, 1}};
  double half = 0.25;  // h = 1 / (levels − 1)
  template <class V> constexpr V operator()(V x, V weight, V m, V s) const {
    const V r = exp(-s), width = V(2 * half) * r;
    const V upper = (x - m + V(half)) * r, lower = upper - width;
    const auto first = x<V(half - 1), last = x> V(1 - half);
    return weight + select(last, V(0), log_sigmoid(upper)) + select(first, V(0), log_sigmoid(-lower)) +
           select(first, V(0), select(last, V(0), log1mexp(-width)));
  }
  template <class V> constexpr auto partials(V x, V, V m, V s) const {
    const V r = exp(-s), width = V(2 * half) * r;
    const V upper = (x - m + V(half)) * r, lower = upper - width;
    const auto first = x<V(half - 1), last = x> V(1 - half);
    const V by_upper = select(last, V(0), sigmoid(-upper)), by_lower = select(first, V(0), -sigmoid(lower));
    const V by_width = select(first, V(0), select(last, V(0), width / expm1(width)));
    const V slope = (by_upper + by_lower) * r;
    return std::array{slope, V(1), -slope, -(by_upper * upper + by_lower * lower + by_width)};
  }
};

}  // namespace pf
