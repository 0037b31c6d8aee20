#pragma once
// Monotone rational-quadratic splines (Durkan et al. 2019, arXiv 1906.04032, section 3.1 and appendix A.1): in each of K
// bins y is a quotient of two quadratics in x, fixed by the bin's corners and the slopes there; outside (−bound, bound)
// y = x.
//
// Of a bin of width w and height h, with mean slope s = h/w, slopes d₀ and d₁ at its ends, ξ = (x − left)/w and η = 1 − ξ:
//
//   y = bottom + h (s ξ² + d₀ ξη) / D,   dy/dx = s² (d₁ ξ² + 2s ξη + d₀ η²) / D²,   D = s (1 − 2ξη) + (d₀ + d₁) ξη
//
// All terms are positive, so nothing cancels. The same holds for the inverse here, unlike that of the paper's eq. 29 in
// single precision: with t = (y − bottom)/h, u = 1 − t and q = d₀u − d₁t its discriminant is q² + 4s²tu, and
//
//   ξ = 2st / (2st + e),   η = e / (2st + e),   e = q + √(q² + 4s²tu), for q < 0 as 4s²tu / (|q| + √(q² + 4s²tu)).

#include "tensor/ops/activations.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/spline_curve.h"

namespace pf {

namespace detail {
/// The spline in other operations.
template <Array A> A spline_composite(const A& x, const A& parameters, double bound, bool inverse) {
  const int64_t bins = (parameters.size(-1) + 1) / 3;
  auto sizes_of = [&](int64_t first) {
    const A share = softmax(slice(parameters, -1, first, first + bins), -1);
    return (share * (1 - spline_least_bin * double(bins)) + spline_least_bin) * (2 * bound);
  };
  const A widths = sizes_of(0), heights = sizes_of(bins);
  const Tensor inside = x > -bound && x < bound;
  const A at = where(inside, x, 0.0);

  // Which bin, from plain values: as many as there are inner knots that x has reached.
  const Tensor knots = slice(cumsum(value_of(inverse ? heights : widths), -1), -1, 0, bins - 1) - bound;
  const Tensor bin = sum(cast(unsqueeze(value_of(at), -1) >= knots, x.dtype()), -1, true);
  const Tensor places = [&] {
    const UseDevice there(x.device());
    return arange(0, double(bins), 1, x.dtype());
  }();
  const Tensor here = equal(places, bin), before = places < bin, first = equal(bin, 0),
               last = equal(bin, double(bins - 1));
  auto total = [](const Tensor& mask, const A& of) { return sum(where(mask, of, 0.0), -1); };

  const A left = total(before, widths) - bound, w = total(here, widths);
  const A bottom = total(before, heights) - bound, h = total(here, heights);
  const A slopes = softplus(slice(parameters, -1, 2 * bins) + spline_slope_offset) + spline_least_slope;
  const A d0 = total(slice(here, -1, 1), slopes) + cast(squeeze(first, -1), x.dtype());
  const A d1 = total(slice(here, -1, 0, bins - 1), slopes) + cast(squeeze(last, -1), x.dtype());

  const A s = h / w;
  A xi;
  if (inverse) {
    const A t = (at - bottom) / h, q = d0 * (1.0 - t) - d1 * t, st = s * t * 2;
    const A r = st * s * (1.0 - t) * 2, root = sqrt(q * q + r);
    const Tensor falling = q < 0.0;
    const A sum_of_both = where(falling, -q, q) + root, e = where(falling, r / sum_of_both, sum_of_both);
    xi = st / (st + e);
  } else {
    xi = (at - left) / w;
  }
  const A eta = 1.0 - xi, theta = xi * eta;
  const A d = s * (1.0 - theta * 2) + (d0 + d1) * theta;
  const A y = inverse ? left + w * xi : bottom + h * (s * xi * xi + d0 * theta) / d;
  const A slope = s * s * (d1 * xi * xi + s * theta * 2 + d0 * eta * eta) / (d * d);
  const A log_slope = inverse ? -log(slope) : log(slope);
  const A value = where(inside, y, x), log_value = where(inside, log_slope, where(isnan(x), value_of(x), 0.0));
  return stack({value, log_value});
}
}  // namespace detail

/// Two results in one: [2, shape of x], first y, then log|dy/dx|. parameters: [shape of x, 3K − 1].
struct Spline {
  static constexpr auto name = "rational_quadratic_spline";
  double bound = 3;
  bool inverse = false;

  Tensor eval(const Tensor& x, const Tensor& parameters) const;
  std::array<Tensor, 2> fused_vjp(Wanted wanted, const Tensor& g, const Tensor& x, const Tensor& parameters,
                                  const Tensor& y) const;
  template <Array A> A composite(const A& x, const A& parameters) const {
    return detail::spline_composite(x, parameters, bound, inverse);
  }
};

/// y and log|dy/dx| of a monotone spline on (−bound, bound), each of x's shape; with `inverse` the same of the inverse map.
/// parameters: [shape of x, 3K − 1], any numbers: K widths, K heights, then the slopes at the K − 1 inner knots. All zero
/// is the identity.
template <Array A, Array B>
auto rational_quadratic_spline(const A& x, const B& parameters, double bound, bool inverse = false) {
  const auto both = apply(Spline{bound, inverse}, x, parameters);
  return std::pair(pick(both, 0, 0), pick(both, 0, 1));
}

}  // namespace pf
