#pragma once
// The text of the rational-quadratic spline of tensor/ops/spline.h, for the CPU's vectors and the GPU's threads.

#include "tensor/math/exp.h"
#include "tensor/math/logistic.h"

namespace pf::detail {

inline constexpr double spline_least_bin = 1e-3;    // of a bin's width and height, as a share of the whole range
inline constexpr double spline_least_slope = 1e-3;  // at a knot
inline constexpr double spline_slope_offset = 0.5397424172369522;  // log(e^(1 - least slope) - 1): zero gives slope 1

/// The axes of the plane: bins have widths along x and heights along y.
enum class SplineAxis { across, up };

/// The bin that holds x (or y, for the inverse).
template <class V> struct SplineBin {
  V left, right, bottom, top;
  V slope_left, slope_right;          // d₀, d₁
  V raw_slope_left, raw_slope_right;  // the parameters that they come from
  V before[2], through[2];            // by axis: exponentials of the bins before this one, and with this one
  mask_t<V> first, last;
};

/// What a bin's corners and slopes receive.
template <class V> struct SplineBinGradient { V left, right, bottom, top, slope_left, slope_right; };

/// A point of the curve in one bin, in the terms of spline.h.
template <class V> struct SplinePoint {
  V w, h, s, d0, d1;
  V xi, eta;
  V theta, turn, inverse_d, fraction, numerator;  // ξη, 1 − 2ξη, 1/D, (y − bottom)/h, dy/dx · (D/s)²

  constexpr SplinePoint(V at, const SplineBin<V>& bin, bool inverse)
      : w(bin.right - bin.left), h(bin.top - bin.bottom), s(h / w), d0(bin.slope_left), d1(bin.slope_right) {
    if (inverse) {
      const V inverse_h = V(1) / h, t = (at - bin.bottom) * inverse_h, u = (bin.top - at) * inverse_h;
      const V q = d0 * u - d1 * t, r = V(4) * s * s * t * u, root = math::abs(q) + math::sqrt(q * q + r);
      const V st = V(2) * s * t, e = math::select(q < V(0), r / root, root), all = V(1) / (st + e);
      xi = st * all;
      eta = e * all;
    } else {
      const V inverse_w = V(1) / w;
      xi = (at - bin.left) * inverse_w;
      eta = (bin.right - at) * inverse_w;
    }
    theta = xi * eta;
    turn = V(1) - V(2) * theta;
    inverse_d = V(1) / (s * turn + (d0 + d1) * theta);
    fraction = (s * xi * xi + d0 * theta) * inverse_d;
    numerator = d1 * xi * xi + V(2) * s * theta + d0 * eta * eta;
  }
  /// dy/dx.
  constexpr V slope() const {
    const V ratio = s * inverse_d;
    return ratio * ratio * numerator;
  }
  /// ∂ log(dy/dx) / ∂ξ.
  constexpr V log_slope_by_xi() const {
    const V rise = V(2) * (d1 * xi + s * (eta - xi) - d0 * eta);
    return rise / numerator - V(2) * (d0 + d1 - V(2) * s) * (eta - xi) * inverse_d;
  }

  /// Gradients of bin corners and slopes, at a fixed x, for cotangents of y and of log(dy/dx).
  constexpr SplineBinGradient<V> gradient(V y, V log_slope) const {
    const V r = V(1) / numerator, grown = y * h;
    const V by_s =
        grown * (xi * xi - fraction * turn) * inverse_d + log_slope * V(2) * (V(1) / s + theta * r - turn * inverse_d);
    const V by_xi = y * w * slope() + log_slope * log_slope_by_xi();
    const V by_both = (grown * fraction + V(2) * log_slope) * theta * inverse_d;
    const V inverse_w = V(1) / w;
    const V by_h = y * fraction + by_s * inverse_w, by_w = -(by_s * s + by_xi * xi) * inverse_w;
    SplineBinGradient<V> out;
    out.left = -by_xi * inverse_w - by_w;
    out.right = by_w;
    out.bottom = y - by_h;
    out.top = by_h;
    out.slope_left = grown * theta * inverse_d + log_slope * eta * eta * r - by_both;
    out.slope_right = log_slope * xi * xi * r - by_both;
    return out;
  }
};

/// The curve of one element, or one a lane. `Numbers` is where its parameters are:
///   V raw(p)                    parameter p of the 3K − 1
///   V exponential(axis, k)      e^(parameter of bin k − the largest one), for a softmax
///   V share(axis)               1 / the sum of these
///   void put(p, V)              the gradient of parameter p
template <class V, class Numbers> class SplineCurve {
 public:
  constexpr SplineCurve(Numbers& numbers, int64_t bins, double bound, bool inverse)
      : numbers_(numbers), bins_(bins), bound_(bound), inverse_(inverse) {}

  /// y and log|dy/dx|; outside of the bound x itself.
  struct Value {
    V y, log_slope;
  };
  constexpr Value value(V given) const {
    const mask_t<V> inside = inside_of(given);
    const V at = math::select(inside, given, V(0));
    const SplineBin<V> bin = find(at);
    const SplinePoint<V> point(at, bin, inverse_);
    const V y = inverse_ ? bin.left + point.w * point.xi : bin.bottom + point.h * point.fraction;
    const V log_slope = math::log(point.slope());
    return {math::select(inside, y, given),
            math::select(inside, inverse_ ? -log_slope : log_slope, math::select(math::isnan(given), given, V(0)))};
  }

  /// The gradient at x of cotangents of y and of log|dy/dx|; puts those of the parameters if they are wanted.
  ///
  /// For the inverse x = f⁻¹(y), implicitly: the cotangent that arrives at x, divided by −f', is one of y for the
  /// parameters, and log|dx/dy| is minus the log-slope at x.
  constexpr V gradient(V given, V by_value, V by_log, bool of_parameters) const {
    const mask_t<V> inside = inside_of(given);
    const V at = math::select(inside, given, V(0)), outside = by_value;
    const SplineBin<V> bin = find(at);
    const SplinePoint<V> point(at, bin, inverse_);
    const V log_slope_by_x = point.log_slope_by_xi() / point.w;
    V by_x;
    if (inverse_) {
      by_log = -by_log;
      by_x = (by_value + by_log * log_slope_by_x) / point.slope();
      by_value = -by_x;
    } else {
      by_x = by_value * point.slope() + by_log * log_slope_by_x;
    }
    if (of_parameters)
      put(at, bin, point.gradient(math::select(inside, by_value, V(0)), math::select(inside, by_log, V(0))));
    return math::select(inside, by_x, outside);
  }

 private:
  /// From one inner knot to the next.
  class Knots {
   public:
    constexpr Knots(const SplineCurve& curve, SplineAxis axis)
        : curve_(curve), axis_(axis), scale_(V(curve.range()) * curve.numbers_.share(axis)) {}
    constexpr V next() {
      before += curve_.numbers_.exponential(axis_, k_++);
      return math::fma(scale_, before, V(2 * curve_.bound_ * spline_least_bin * double(k_) - curve_.bound_));
    }
    V before{0};  // the exponentials of the bins before the knot

   private:
    const SplineCurve& curve_;
    SplineAxis axis_;
    V scale_;
    int64_t k_ = 0;
  };

  constexpr mask_t<V> inside_of(V x) const { return x > V(-bound_) && x < V(bound_); }
  /// What the softmax distributes.
  constexpr double range() const { return 2 * bound_ * (1 - spline_least_bin * double(bins_)); }
  constexpr SplineAxis along() const { return inverse_ ? SplineAxis::up : SplineAxis::across; }
  static constexpr V slope(V raw) { return V(spline_least_slope) + math::softplus(raw + V(spline_slope_offset)); }

  constexpr SplineBin<V> find(V x) const {
    const V first_across = numbers_.exponential(SplineAxis::across, 0),
            first_up = numbers_.exponential(SplineAxis::up, 0);
    SplineBin<V> bin{V(-bound_),
                     V(bound_),
                     V(-bound_),
                     V(bound_),
                     V(0),
                     V(0),
                     V(0),
                     V(0),
                     {V(0), V(0)},
                     {first_across, first_up},
                     mask_t<V>(true),
                     mask_t<V>(true)};
    Knots across(*this, SplineAxis::across), up(*this, SplineAxis::up);
    for (int64_t k = 1; k < bins_; ++k) {
      const V x_knot = across.next(), y_knot = up.next(), raw = numbers_.raw(2 * bins_ + k - 1);
      const mask_t<V> beyond = x >= (inverse_ ? y_knot : x_knot);
      const mask_t<V> ends = bin.last && !beyond;  // the first knot that x has not reached ends the bin
      bin.left = math::select(beyond, x_knot, bin.left);
      bin.right = math::select(ends, x_knot, bin.right);
      bin.bottom = math::select(beyond, y_knot, bin.bottom);
      bin.top = math::select(ends, y_knot, bin.top);
      bin.raw_slope_left = math::select(beyond, raw, bin.raw_slope_left);
      bin.raw_slope_right = math::select(ends, raw, bin.raw_slope_right);
      bin.before[0] = math::select(beyond, across.before, bin.before[0]);
      bin.before[1] = math::select(beyond, up.before, bin.before[1]);
      const V through_across = across.before + numbers_.exponential(SplineAxis::across, k);
      const V through_up = up.before + numbers_.exponential(SplineAxis::up, k);
      bin.through[0] = math::select(beyond, through_across, bin.through[0]);
      bin.through[1] = math::select(beyond, through_up, bin.through[1]);
      if (k == 1) bin.first = !beyond;
      bin.last = beyond;
    }
    bin.slope_left = math::select(bin.first, V(1), slope(bin.raw_slope_left));
    bin.slope_right = math::select(bin.last, V(1), slope(bin.raw_slope_right));
    return bin;
  }

  /// A parameter u of a size moves every knot behind its bin, and through the softmax's sum all of them:
  /// ∂(knot j)/∂uₖ = range · shareₖ · ([k < j] − the shares before knot j).
  struct SizeGradient {
    V low, high, common;  // of the two ends of the bin that holds x
    constexpr V of(mask_t<V> up_to_here, mask_t<V> before) const {
      return math::select(before, low, V(0)) + math::select(up_to_here, high, V(0)) - common;
    }
  };
  constexpr SizeGradient size_gradient(SplineAxis axis, V before, V through, V low, V high) const {
    const V share = numbers_.share(axis), scale = V(range()) * share;
    return {scale * low, scale * high, scale * share * (low * before + high * through)};
  }

  constexpr void put(V x, const SplineBin<V>& bin, const SplineBinGradient<V>& g) const {
    const V offset(spline_slope_offset);
    const V at_left = math::select(bin.first, V(0), g.slope_left * math::sigmoid(bin.raw_slope_left + offset));
    const V at_right = math::select(bin.last, V(0), g.slope_right * math::sigmoid(bin.raw_slope_right + offset));
    const V top = math::select(bin.last, V(0), g.top), right = math::select(bin.last, V(0), g.right);
    const SizeGradient across = size_gradient(SplineAxis::across, bin.before[0], bin.through[0], g.left, right);
    const SizeGradient up = size_gradient(SplineAxis::up, bin.before[1], bin.through[1], g.bottom, top);
    Knots knots(*this, along());
    mask_t<V> up_to_here(true);  // whether x lies in bin k or behind it
    V pending(0);                // of the knot that ends bin k − 1, if x lies in that bin
    for (int64_t k = 0; k < bins_; ++k) {
      const mask_t<V> before = k + 1 < bins_ ? x >= knots.next() : mask_t<V>(false);
      const mask_t<V> here = up_to_here && !before;
      numbers_.put(k, numbers_.exponential(SplineAxis::across, k) * across.of(up_to_here, before));
      numbers_.put(bins_ + k, numbers_.exponential(SplineAxis::up, k) * up.of(up_to_here, before));
      // The knot between bins k − 1 and k is the left end of this bin, or the right end of the one before.
      if (k > 0) numbers_.put(2 * bins_ + k - 1, math::select(here, at_left, pending));
      pending = math::select(here, at_right, V(0));
      up_to_here = before;
    }
  }

  Numbers& numbers_;
  int64_t bins_;
  double bound_;
  bool inverse_;
};

}  // namespace pf::detail
