#include "tensor/ops/argmax.h"

#include <algorithm>

#include "tensor/device_pass.h"
#include "tensor/reduction.h"

namespace pf {
namespace detail {

RowsOfReduction::RowsOfReduction(const Shape& shape, const Axes& axes, const char* op) {
  const auto flags = axes.flags(shape.rank(), op);
  for (bool take : {false, true})
    for (int i = 0; i < shape.rank(); ++i)
      if (flags[i] == take) {
        order.push_back(i);
        (take ? reduced : kept).push_back(shape[i]);
      }
  inverse = order;
  for (int i = 0; i < order.rank(); ++i) inverse[int(order[i])] = i;
}

namespace {

struct Larger {
  static constexpr auto on_device = cuda::Reduction::largest;
  template <class V> static V identity() { return V(0); }  // never used: there is an element
  template <class V> static V combine(V a, V b) {
    if constexpr (std::is_integral_v<V>) return std::max(a, b);
    else return math::max(a, b);
  }
};
struct Smaller {
  static constexpr auto on_device = cuda::Reduction::smallest;
  template <class V> static V identity() { return V(0); }
  template <class V> static V combine(V a, V b) {
    if constexpr (std::is_integral_v<V>) return std::min(a, b);
    else return math::min(a, b);
  }
};

template <class P, class T> int64_t find_extreme(const T* row, int64_t n) {
  const T extreme = reduce_run<P>(row, n, 1);
  for (int64_t i = 0; i < n; ++i)
    if (row[i] == extreme || (row[i] != row[i] && extreme != extreme)) return i;
  return 0;
}

void check_not_empty(bool largest, const Shape& shape, const Axes& axes, const char* op) {
  check(reduced_count(shape, axes, op) > 0, op, ": ", shape, " has no elements along the reduced axes, so there is no ",
        largest ? "largest" : "smallest", " one");
}

}  // namespace
}  // namespace detail

template <bool largest> Tensor Extreme<largest>::eval(const Tensor& x) const {
  detail::check_not_empty(largest, x.shape(), axes, name);
  return dispatch_numeric(x.dtype(), name, [&]<class T>() {
    using Policy = std::conditional_t<largest, detail::Larger, detail::Smaller>;
    return detail::reduce<Policy, T>(x, axes.flags(x.rank(), name),
                                     detail::reduced_shape(x.shape(), axes, keepdim, name));
  });
}
template Tensor Extreme<true>::eval(const Tensor&) const;
template Tensor Extreme<false>::eval(const Tensor&) const;

Tensor arg_extreme(bool largest, const Tensor& x, const Axes& axes, bool keepdim) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=](const Tensor& in) { return arg_extreme(largest, in, axes, keepdim); }, x);
  const char* op = largest ? "argmax" : "argmin";
  if (is_half(x.dtype())) return arg_extreme(largest, widened(x), axes, keepdim);
  detail::check_not_empty(largest, x.shape(), axes, op);
  const Tensor rows = contiguous(detail::as_rows(x, detail::RowsOfReduction(x.shape(), axes, op)));
  const int64_t n = rows.size(-1), count = rows.numel() / n;
  Tensor out = Tensor::empty(detail::reduced_shape(x.shape(), axes, keepdim, op), int64, x.device());
  if (x.device().is_cuda()) {
    check(x.dtype() != boolean, op, ": bool input: expected numbers; convert with cast(x, int64)");
    backend_of(x).arg_reduce(largest, x.dtype(), rows.raw(), count, n, static_cast<int64_t*>(out.mutable_raw()));
    return out;
  }
  int64_t* to = out.mutable_data<int64_t>();
  dispatch_numeric(x.dtype(), op, [&]<class T>() {
    const T* from = rows.data<T>();
    const int64_t per_chunk = std::max<int64_t>(1, detail::reduce_chunk / n);
    parallel_for((count + per_chunk - 1) / per_chunk, [&](int64_t c) {
      for (int64_t i = c * per_chunk; i < std::min(count, (c + 1) * per_chunk); ++i)
        to[i] = largest ? detail::find_extreme<detail::Larger>(from + i * n, n)
                        : detail::find_extreme<detail::Smaller>(from + i * n, n);
    });
  });
  return out;
}

}  // namespace pf
