#include "tensor/ops/spline.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace pf {
namespace {

using detail::spline_least_bin, detail::spline_least_slope, detail::spline_slope_offset;

constexpr int64_t chunk = 1024;  // elements a thread takes

/// As many elements as a SIMD vector has lanes, their parameters turned so that one vector holds the same parameter of
/// each: [3K − 1][width] numbers as given, [K][width] exponentials and [K + 1][width] knots of both axes.
template <class T> class SplineLanes {
 public:
  using V = Vec<T>;
  static constexpr int width = V::width;

  SplineLanes(int64_t bins, double bound)
      : bins_(bins), bound_(bound), memory_(Tensor::empty({(7 * bins + 1) * width}, dtype_of<T>())) {
    raw_ = memory_.template mutable_data<T>();
    across_.exponentials = raw_ + (3 * bins - 1) * width;
    up_.exponentials = across_.exponentials + bins * width;
    across_.knots = up_.exponentials + bins * width;
    up_.knots = across_.knots + (bins + 1) * width;
  }

  /// Reads the parameters of `count` elements, the last one repeated to fill the vector, and places the knots.
  void load(const T* parameters, int64_t count) {
    const int64_t each = 3 * bins_ - 1;
    for (int lane = 0; lane < width; ++lane) {
      const T* from = parameters + std::min<int64_t>(lane, count - 1) * each;
      for (int64_t p = 0; p < each; ++p) raw_[p * width + lane] = from[p];
    }
    place_knots(raw_, across_);
    place_knots(raw_ + bins_ * width, up_);
  }
  /// The reverse, after `replace`.
  void store(T* parameters, int64_t count) const {
    const int64_t each = 3 * bins_ - 1;
    for (int lane = 0; lane < count; ++lane)
      for (int64_t p = 0; p < each; ++p) parameters[lane * each + p] = raw_[p * width + lane];
  }

  /// The bin that holds x (or y, for the inverse), one a lane.
  struct Bin {
    V left, right, bottom, top;
    V slope_left, slope_right;          // d₀, d₁
    V raw_slope_left, raw_slope_right;  // the parameters that they come from
    Mask<T> first, last;
  };
  Bin find(V x, bool inverse) const {
    const T* along = inverse ? up_.knots : across_.knots;
    const T* slopes = raw_ + 2 * bins_ * width;
    Bin bin{at(across_.knots, 0), at(across_.knots, 1), at(up_.knots, 0), at(up_.knots, 1)};
    bin.raw_slope_left = V(0);
    bin.raw_slope_right = bins_ > 1 ? at(slopes, 0) : V(0);
    for (int64_t k = 1; k < bins_; ++k) {
      const Mask<T> beyond = x >= at(along, k);
      bin.left = select(beyond, at(across_.knots, k), bin.left);
      bin.right = select(beyond, at(across_.knots, k + 1), bin.right);
      bin.bottom = select(beyond, at(up_.knots, k), bin.bottom);
      bin.top = select(beyond, at(up_.knots, k + 1), bin.top);
      bin.raw_slope_left = select(beyond, at(slopes, k - 1), bin.raw_slope_left);
      bin.raw_slope_right = select(beyond, k + 1 < bins_ ? at(slopes, k) : V(0), bin.raw_slope_right);
    }
    bin.first = !(x >= at(along, 1));
    bin.last = x >= at(along, bins_ - 1);
    bin.slope_left = select(bin.first, V(1), slope(bin.raw_slope_left));
    bin.slope_right = select(bin.last, V(1), slope(bin.raw_slope_right));
    return bin;
  }

  /// What a bin's corners and slopes receive.
  struct BinGradient {
    V left, right, bottom, top, slope_left, slope_right;
  };
  /// Puts the gradients in place of the parameters.
  void replace(V x, bool inverse, const Bin& bin, const BinGradient& g) {
    const T* along = inverse ? up_.knots : across_.knots;
    const V at_left = select(bin.first, V(0), g.slope_left * sigmoid(bin.raw_slope_left + V(spline_slope_offset)));
    const V at_right = select(bin.last, V(0), g.slope_right * sigmoid(bin.raw_slope_right + V(spline_slope_offset)));
    const V top = select(bin.last, V(0), g.top), right = select(bin.last, V(0), g.right);
    const SizeGradient across = size_gradient(across_, x, along, g.left, right);
    const SizeGradient up = size_gradient(up_, x, along, g.bottom, top);
    Mask<T> up_to_here(true);  // whether x lies in bin k or behind it
    for (int64_t k = 0; k < bins_; ++k) {
      const Mask<T> before = behind(x, along, k + 1);
      at_put(raw_, k, at(across_.exponentials, k) * across.of(up_to_here, before));
      at_put(raw_, bins_ + k, at(up_.exponentials, k) * up.of(up_to_here, before));
      if (k + 1 < bins_) {  // the knot between bins k and k + 1
        const V if_behind = select(behind(x, along, k + 2), V(0), at_left),
                if_before = select(up_to_here, at_right, V(0));
        at_put(raw_, 2 * bins_ + k, select(before, if_behind, if_before));
      }
      up_to_here = before;
    }
  }

 private:
  /// The bins along one axis.
  struct Axis {
    T *exponentials, *knots;
    V share;  // 1 / the sum of the exponentials
  };
  /// A parameter u of a size moves every knot behind its bin, and through the softmax's sum all of them:
  /// ∂(knot j)/∂uₖ = range · shareₖ · ([k < j] − the shares before knot j).
  struct SizeGradient {
    V low, high, common;  // of the two ends of the bin that holds x
    V of(Mask<T> up_to_here, Mask<T> before) const {
      return select(before, low, V(0)) + select(up_to_here, high, V(0)) - common;
    }
  };

  static V at(const T* memory, int64_t k) { return V::load(memory + k * width); }
  static void at_put(T* memory, int64_t k, V value) { value.store(memory + k * width); }
  static V slope(V raw) { return V(spline_least_slope) + softplus(raw + V(spline_slope_offset)); }

  void place_knots(const T* raw, Axis& axis) {
    V largest = at(raw, 0);
    for (int64_t k = 1; k < bins_; ++k) largest = max(largest, at(raw, k));
    V total(0);
    for (int64_t k = 0; k < bins_; ++k) {
      const V e = exp(at(raw, k) - largest);
      at_put(axis.exponentials, k, e);
      total += e;
    }
    axis.share = V(1) / total;
    const V scale = V(range()) * axis.share;
    V before(0);
    at_put(axis.knots, 0, V(-bound_));
    for (int64_t k = 1; k < bins_; ++k) {
      before += at(axis.exponentials, k - 1);
      at_put(axis.knots, k, math::fma(scale, before, V(2 * bound_ * spline_least_bin * double(k) - bound_)));
    }
    at_put(axis.knots, bins_, V(bound_));
  }
  /// Whether x lies behind knot k; the last knot does not count.
  Mask<T> behind(V x, const T* along, int64_t k) const { return k < bins_ ? x >= at(along, k) : Mask<T>(false); }
  SizeGradient size_gradient(const Axis& axis, V x, const T* along, V low, V high) const {
    V before(0), up_to_here = at(axis.exponentials, 0);
    for (int64_t k = 1; k < bins_; ++k) {
      const Mask<T> beyond = x >= at(along, k);
      before += select(beyond, at(axis.exponentials, k - 1), V(0));
      up_to_here += select(beyond, at(axis.exponentials, k), V(0));
    }
    const V scale = V(range()) * axis.share;
    return {scale * low, scale * high, scale * axis.share * (low * before + high * up_to_here)};
  }
  /// What the softmax distributes.
  double range() const { return 2 * bound_ * (1 - spline_least_bin * double(bins_)); }

  int64_t bins_;
  double bound_;
  Tensor memory_;
  T* raw_;
  Axis across_, up_;
};

/// A point of the curve in one bin, in the terms of spline.h.
template <class V> struct SplinePoint {
  V w, h, s, d0, d1;
  V xi, eta;
  V theta, turn, inverse_d, fraction, numerator;  // ξη, 1 − 2ξη, 1/D, (y − bottom)/h, dy/dx · (D/s)²

  template <class Bin>
  SplinePoint(V at, const Bin& bin, bool inverse)
      : w(bin.right - bin.left), h(bin.top - bin.bottom), s(h / w), d0(bin.slope_left), d1(bin.slope_right) {
    if (inverse) {
      const V inverse_h = V(1) / h, t = (at - bin.bottom) * inverse_h, u = (bin.top - at) * inverse_h;
      const V q = d0 * u - d1 * t, r = V(4) * s * s * t * u, root = abs(q) + sqrt(q * q + r);
      const V st = V(2) * s * t, e = select(q < V(0), r / root, root), all = V(1) / (st + e);
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
  V slope() const {
    const V ratio = s * inverse_d;
    return ratio * ratio * numerator;
  }
  /// ∂ log(dy/dx) / ∂ξ.
  V log_slope_by_xi() const {
    const V rise = V(2) * (d1 * xi + s * (eta - xi) - d0 * eta);
    return rise / numerator - V(2) * (d0 + d1 - V(2) * s) * (eta - xi) * inverse_d;
  }

  /// Gradients of bin corners and slopes, at a fixed x, for cotangents of y and of log(dy/dx).
  template <class Gradient> Gradient gradient(V y, V log_slope) const {
    const V r = V(1) / numerator, grown = y * h;
    const V by_s =
        grown * (xi * xi - fraction * turn) * inverse_d + log_slope * V(2) * (V(1) / s + theta * r - turn * inverse_d);
    const V by_xi = y * w * slope() + log_slope * log_slope_by_xi();
    const V by_both = (grown * fraction + V(2) * log_slope) * theta * inverse_d;
    const V inverse_w = V(1) / w;
    const V by_h = y * fraction + by_s * inverse_w, by_w = -(by_s * s + by_xi * xi) * inverse_w;
    Gradient out;
    out.left = -by_xi * inverse_w - by_w;
    out.right = by_w;
    out.bottom = y - by_h;
    out.top = by_h;
    out.slope_left = grown * theta * inverse_d + log_slope * eta * eta * r - by_both;
    out.slope_right = log_slope * xi * xi * r - by_both;
    return out;
  }
};

int64_t bins_of(const Tensor& x, const Tensor& parameters) {
  const int64_t each = parameters.rank() ? parameters.size(-1) : 0;
  Shape expected = x.shape();
  expected.push_back(each);
  check(x.dtype() == parameters.dtype(), Spline::name, ": x is ", x.dtype(), " and the parameters are ",
        parameters.dtype(), ": element types differ; convert one with cast(x, ", x.dtype(), ")");
  check(parameters.shape() == expected && each >= 2 && each % 3 == 2, Spline::name, ": x ", x.shape(),
        " and parameters ", parameters.shape(), ": expected one axis more, of 3·bins - 1 numbers");
  const int64_t bins = (each + 1) / 3;
  check(double(bins) * spline_least_bin < 1, Spline::name, ": ", bins, " bins of at least ", spline_least_bin,
        " of the range do not fit into it; use fewer");
  return bins;
}

/// Calls body(lanes, first, count) for groups of elements that fill a vector.
template <class T, class Body> void for_lanes(int64_t n, int64_t bins, double bound, const Body& body) {
  parallel_for((n + chunk - 1) / chunk, [&](int64_t c) {
    SplineLanes<T> lanes(bins, bound);
    const int64_t last = std::min(n, (c + 1) * chunk);
    for (int64_t i = c * chunk; i < last; i += Vec<T>::width)
      body(lanes, i, std::min<int64_t>(Vec<T>::width, last - i));
  });
}

template <class T> Vec<T> load_lanes(const T* data, int64_t count) {
  if (count == Vec<T>::width) return Vec<T>::load(data);
  T padded[Vec<T>::width];
  for (int k = 0; k < Vec<T>::width; ++k) padded[k] = data[std::min<int64_t>(k, count - 1)];
  return Vec<T>::load(padded);
}
template <class T> void store_lanes(Vec<T> value, T* data, int64_t count) {
  if (count == Vec<T>::width) return value.store(data);
  T padded[Vec<T>::width];
  value.store(padded);
  std::copy_n(padded, count, data);
}

}  // namespace

Tensor Spline::eval(const Tensor& x_any, const Tensor& parameters_any) const {
  const int64_t bins = bins_of(x_any, parameters_any), n = x_any.numel();
  const Tensor x = contiguous(x_any), parameters = contiguous(parameters_any);
  Shape shape = x.shape();
  shape.insert(0, 2);
  Tensor out = Tensor::empty(shape, x.dtype());
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    using V = Vec<T>;
    const T *from = x.data<T>(), *numbers = parameters.data<T>();
    T* to = out.mutable_data<T>();
    for_lanes<T>(n, bins, bound, [&](SplineLanes<T>& lanes, int64_t first, int64_t count) {
      lanes.load(numbers + first * (3 * bins - 1), count);
      const V given = load_lanes(from + first, count);
      const Mask<T> inside = given > V(-bound) && given < V(bound);
      const V at = select(inside, given, V(0));
      const auto bin = lanes.find(at, inverse);
      const SplinePoint<V> point(at, bin, inverse);
      const V y = inverse ? bin.left + point.w * point.xi : bin.bottom + point.h * point.fraction;
      const V log_slope = log(point.slope());
      store_lanes(select(inside, y, given), to + first, count);
      store_lanes(select(inside, inverse ? -log_slope : log_slope, select(isnan(given), given, V(0))), to + n + first,
                  count);
    });
  });
  return out;
}

// For the inverse x = f⁻¹(y), implicitly: the cotangent that arrives at x, divided by −f', is one of y for the parameters,
// and log|dx/dy| is minus the log-slope at x.
std::array<Tensor, 2> Spline::fused_vjp(Wanted wanted, const Tensor& g_any, const Tensor& x_any,
                                        const Tensor& parameters_any, const Tensor&) const {
  const int64_t bins = bins_of(x_any, parameters_any), n = x_any.numel();
  const Tensor x = contiguous(x_any), parameters = contiguous(parameters_any), g = contiguous(g_any);
  std::array<Tensor, 2> out;
  if (wanted[0]) out[0] = Tensor::empty(x.shape(), x.dtype());
  if (wanted[1]) out[1] = Tensor::empty(parameters.shape(), x.dtype());
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    using V = Vec<T>;
    const T *from = x.data<T>(), *numbers = parameters.data<T>(), *cotangents = g.data<T>();
    T* to_x = wanted[0] ? out[0].mutable_data<T>() : nullptr;
    T* to_parameters = wanted[1] ? out[1].mutable_data<T>() : nullptr;
    for_lanes<T>(n, bins, bound, [&](SplineLanes<T>& lanes, int64_t first, int64_t count) {
      lanes.load(numbers + first * (3 * bins - 1), count);
      const V given = load_lanes(from + first, count);
      const Mask<T> inside = given > V(-bound) && given < V(bound);
      const V at = select(inside, given, V(0));
      const auto bin = lanes.find(at, inverse);
      const SplinePoint<V> point(at, bin, inverse);
      V by_value = load_lanes(cotangents + first, count), by_log = load_lanes(cotangents + n + first, count);
      const V outside = by_value;
      const V log_slope_by_x = point.log_slope_by_xi() / point.w;
      V by_x;
      if (inverse) {
        by_log = -by_log;
        by_x = (by_value + by_log * log_slope_by_x) / point.slope();
        by_value = -by_x;
      } else {
        by_x = by_value * point.slope() + by_log * log_slope_by_x;
      }
      if (to_x) store_lanes(select(inside, by_x, outside), to_x + first, count);
      if (!to_parameters) return;
      using Gradient = typename SplineLanes<T>::BinGradient;
      const Gradient gradient =
          point.template gradient<Gradient>(select(inside, by_value, V(0)), select(inside, by_log, V(0)));
      lanes.replace(at, inverse, bin, gradient);
      lanes.store(to_parameters + first * (3 * bins - 1), count);
    });
  });
  return out;
}

}  // namespace pf
