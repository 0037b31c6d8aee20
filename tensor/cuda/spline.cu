// Rational-quadratic splines: a thread an element. Exponentials are computed where they are needed, twice or three times,
// so that nothing of the number of bins has to be kept.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/for_each.h"
#include "tensor/ops/spline_curve.h"

namespace pf::cuda {
namespace {

using pf::detail::SplineAxis, pf::detail::SplineCurve;

template <class T> class SplineNumbers {
 public:
  __device__ SplineNumbers(const T* parameters, T* to, int64_t bins) : parameters_(parameters), to_(to), bins_(bins) {
    for (int axis = 0; axis < 2; ++axis) {
      T largest = raw(axis * bins), total = 0;
      for (int64_t k = 1; k < bins; ++k) largest = math::max(largest, raw(axis * bins + k));
      for (int64_t k = 0; k < bins; ++k) total += math::exp(raw(axis * bins + k) - largest);
      (axis ? largest_up_ : largest_across_) = largest;
      (axis ? share_up_ : share_across_) = T(1) / total;
    }
  }
  __device__ T raw(int64_t p) const { return parameters_[p]; }
  __device__ T exponential(SplineAxis axis, int64_t k) const {
    return axis == SplineAxis::up ? math::exp(raw(bins_ + k) - largest_up_) : math::exp(raw(k) - largest_across_);
  }
  __device__ T share(SplineAxis axis) const { return axis == SplineAxis::up ? share_up_ : share_across_; }
  __device__ void put(int64_t p, T value) const { to_[p] = value; }

 private:
  const T* parameters_;
  T* to_;
  int64_t bins_;
  T largest_across_, largest_up_, share_across_, share_up_;
};

template <class T> struct SplineBody {
  SplineSize size;
  const T *x, *parameters;
  T* to;
  __device__ void operator()(int64_t i) const {
    const SplineNumbers<T> numbers(parameters + i * (3 * size.bins - 1), nullptr, size.bins);
    const SplineCurve<T, const SplineNumbers<T>> curve(numbers, size.bins, size.bound, size.inverse);
    const auto found = curve.value(x[i]);
    to[i] = found.y;
    to[size.n + i] = found.log_slope;
  }
};
template <class T> struct SplineVjpBody {
  SplineSize size;
  const T *g, *x, *parameters;
  T *to_x, *to_parameters;
  __device__ void operator()(int64_t i) const {
    const int64_t at = i * (3 * size.bins - 1);
    const SplineNumbers<T> numbers(parameters + at, to_parameters ? to_parameters + at : nullptr, size.bins);
    const SplineCurve<T, const SplineNumbers<T>> curve(numbers, size.bins, size.bound, size.inverse);
    const T by_x = curve.gradient(x[i], g[i], g[size.n + i], to_parameters != nullptr);
    if (to_x) to_x[i] = by_x;
  }
};

}  // namespace

void launch_spline(DType dtype, const SplineSize& size, const void* x, const void* parameters, void* to,
                   cudaStream_t stream) {
  dispatch_floating(dtype, "rational_quadratic_spline", [&]<class T>() {
    for_each_index(
        "rational_quadratic_spline", size.n, stream,
        SplineBody<T>{size, static_cast<const T*>(x), static_cast<const T*>(parameters), static_cast<T*>(to)});
  });
}

void launch_spline_vjp(DType dtype, const SplineSize& size, const void* g, const void* x, const void* parameters,
                       void* to_x, void* to_parameters, cudaStream_t stream) {
  dispatch_floating(dtype, "rational_quadratic_spline", [&]<class T>() {
    for_each_index(
        "rational_quadratic_spline", size.n, stream,
        SplineVjpBody<T>{size, static_cast<const T*>(g), static_cast<const T*>(x), static_cast<const T*>(parameters),
                         static_cast<T*>(to_x), static_cast<T*>(to_parameters)});
  });
}

}  // namespace pf::cuda
