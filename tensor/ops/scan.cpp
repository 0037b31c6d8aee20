#include "tensor/ops/scan.h"

#include <algorithm>

#include "tensor/device_pass.h"
#include "tensor/reduction.h"

namespace pf {

namespace {
struct Multiplying {
  static constexpr auto on_device = cuda::Reduction::product;
  template <class V> static V identity() { return V(1); }
  template <class V> static V combine(V a, V b) { return a * b; }
};
}  // namespace

Tensor Cumsum::eval(const Tensor& x) const {
  const Tensor from = contiguous(x);
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  const int64_t n = x.shape()[axis];
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x.shape()[i];
  if (x.device().is_cuda()) {
    if (x.numel() > 0)
      backend_of(x).cumsum(x.dtype(), from.raw(), {x.numel() / (n * inner), n, inner}, out.mutable_raw());
    return out;
  }
  dispatch_numeric(x.dtype(), name, [&]<class T>() {
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, T>;  // so that long float sums stay accurate
    std::vector<Wide> total(static_cast<size_t>(inner));
    const T* source = from.data<T>();
    T* target = out.mutable_data<T>();
    for (int64_t done = 0; done < x.numel(); done += n * inner) {
      std::fill(total.begin(), total.end(), Wide(0));
      for (int64_t i = 0; i < n; ++i, source += inner, target += inner)
        for (int64_t k = 0; k < inner; ++k) target[k] = T(total[size_t(k)] += Wide(source[k]));
    }
  });
  return out;
}

Tensor Prod::eval(const Tensor& x) const {
  return dispatch_numeric(x.dtype(), name, [&]<class T>() {
    return detail::reduce<Multiplying, T>(x, Axes(axis).flags(x.rank(), name),
                                          detail::reduced_shape(x.shape(), axis, keepdim, name));
  });
}

}  // namespace pf
