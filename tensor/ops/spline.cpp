#include "tensor/ops/spline.h"

#include <algorithm>
#include <vector>

#include "tensor/device_pass.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace pf {
namespace {

using detail::spline_least_bin, detail::SplineAxis, detail::SplineCurve;

constexpr int64_t chunk = 1024;  // elements a thread takes

/// As many elements as a SIMD vector has lanes, their parameters turned so that one vector holds the same parameter of
/// each: [3K − 1][width] numbers as given, and [2][K][width] exponentials.
template <class T> class SplineLanes {
 public:
  using V = Vec<T>;
  static constexpr int width = V::width;

  explicit SplineLanes(int64_t bins) : bins_(bins) {
    // Of the thread, not of a recording: which thread takes which chunk is another matter each time.
    static thread_local std::vector<V> memory;
    if (memory.size() < size_t(5 * bins)) memory.resize(size_t(5 * bins));
    raw_ = reinterpret_cast<T*>(memory.data());
    exponentials_ = raw_ + (3 * bins - 1) * width;
  }

  /// Reads the parameters of `count` elements, the last one repeated to fill the vector.
  void load(const T* parameters, int64_t count) {
    const int64_t each = 3 * bins_ - 1;
    for (int lane = 0; lane < width; ++lane) {
      const T* from = parameters + std::min<int64_t>(lane, count - 1) * each;
      for (int64_t p = 0; p < each; ++p) raw_[p * width + lane] = from[p];
    }
    for (const int axis : {0, 1}) {
      V largest = raw(axis * bins_), total(0);
      for (int64_t k = 1; k < bins_; ++k) largest = max(largest, raw(axis * bins_ + k));
      for (int64_t k = 0; k < bins_; ++k) {
        const V e = exp(raw(axis * bins_ + k) - largest);
        e.store(exponentials_ + (axis * bins_ + k) * width);
        total += e;
      }
      share_[axis] = V(1) / total;
    }
  }
  /// The reverse, after `put`.
  void store(T* parameters, int64_t count) const {
    const int64_t each = 3 * bins_ - 1;
    for (int lane = 0; lane < count; ++lane)
      for (int64_t p = 0; p < each; ++p) parameters[lane * each + p] = raw_[p * width + lane];
  }

  V raw(int64_t p) const { return V::load(raw_ + p * width); }
  V exponential(SplineAxis axis, int64_t k) const {
    return V::load(exponentials_ + (axis == SplineAxis::up ? bins_ + k : k) * width);
  }
  V share(SplineAxis axis) const { return share_[int(axis)]; }
  void put(int64_t p, V value) { value.store(raw_ + p * width); }

 private:
  int64_t bins_;
  T *raw_, *exponentials_;
  V share_[2];
};

int64_t bins_of(const Tensor& x, const Tensor& parameters) {
  const int64_t each = parameters.rank() ? parameters.size(-1) : 0;
  Shape expected = x.shape();
  expected.push_back(each);
  check(x.dtype() == parameters.dtype(), Spline::name, ": x is ", x.dtype(), " and the parameters are ",
        parameters.dtype(), ": element types differ; convert one with cast(x, ", x.dtype(), ")");
  check(parameters.shape() == expected && each >= 2 && each % 3 == 2, Spline::name, ": x ", x.shape(),
        " and parameters ", parameters.shape(), ": expected one axis more, of 3·bins - 1 numbers");
  check_same_device(Spline::name, x, parameters);
  const int64_t bins = (each + 1) / 3;
  check(double(bins) * spline_least_bin < 1, Spline::name, ": ", bins, " bins of at least ", spline_least_bin,
        " of the range do not fit into it; use fewer");
  return bins;
}

/// Calls body(lanes, first, count) for groups of elements that fill a vector.
template <class T, class Body> void for_lanes(int64_t n, int64_t bins, const Body& body) {
  parallel_for((n + chunk - 1) / chunk, [&](int64_t c) {
    SplineLanes<T> lanes(bins);
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
  Tensor out = Tensor::empty(shape, x.dtype(), x.device());
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    if (x.device().is_cuda())
      return backend_of(x).spline(x.dtype(), {n, bins, bound, inverse}, x.raw(), parameters.raw(), out.mutable_raw());
    const T *from = x.data<T>(), *numbers = parameters.data<T>();
    T* to = out.mutable_data<T>();
    for_lanes<T>(n, bins, [&](SplineLanes<T>& lanes, int64_t first, int64_t count) {
      lanes.load(numbers + first * (3 * bins - 1), count);
      const SplineCurve<Vec<T>, SplineLanes<T>> curve(lanes, bins, bound, inverse);
      const auto [y, log_slope] = curve.value(load_lanes(from + first, count));
      store_lanes(y, to + first, count);
      store_lanes(log_slope, to + n + first, count);
    });
  });
  return out;
}

std::array<Tensor, 2> Spline::fused_vjp(Wanted wanted, const Tensor& g_any, const Tensor& x_any,
                                        const Tensor& parameters_any, const Tensor&) const {
  const int64_t bins = bins_of(x_any, parameters_any), n = x_any.numel();
  const Tensor x = contiguous(x_any), parameters = contiguous(parameters_any), g = contiguous(g_any);
  std::array<Tensor, 2> out;
  if (wanted[0]) out[0] = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (wanted[1]) out[1] = Tensor::empty(parameters.shape(), x.dtype(), x.device());
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    if (x.device().is_cuda())
      return backend_of(x).spline_vjp(x.dtype(), {n, bins, bound, inverse}, g.raw(), x.raw(), parameters.raw(),
                                      wanted[0] ? out[0].mutable_raw() : nullptr,
                                      wanted[1] ? out[1].mutable_raw() : nullptr);
    const T *from = x.data<T>(), *numbers = parameters.data<T>(), *cotangents = g.data<T>();
    T* to_x = wanted[0] ? out[0].mutable_data<T>() : nullptr;
    T* to_parameters = wanted[1] ? out[1].mutable_data<T>() : nullptr;
    for_lanes<T>(n, bins, [&](SplineLanes<T>& lanes, int64_t first, int64_t count) {
      lanes.load(numbers + first * (3 * bins - 1), count);
      const SplineCurve<Vec<T>, SplineLanes<T>> curve(lanes, bins, bound, inverse);
      const Vec<T> by_x = curve.gradient(load_lanes(from + first, count), load_lanes(cotangents + first, count),
                                         load_lanes(cotangents + n + first, count), to_parameters != nullptr);
      if (to_x) store_lanes(by_x, to_x + first, count);
      if (to_parameters) lanes.store(to_parameters + first * (3 * bins - 1), count);
    });
  });
  return out;
}

}  // namespace pf
