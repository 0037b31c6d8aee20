#include "tensor/ops/layer_norm.h"

#include <algorithm>
#include <vector>

#include "tensor/device_pass.h"
#include "tensor/parallel.h"
#include "tensor/pointwise.h"
#include "tensor/simd.h"

namespace pf {
namespace {

/// Calls body(V tag, at) for vectors, then for single elements, that cover 0 … n - 1.
template <class T, class Body> void along_row(int64_t n, const Body& body) {
  constexpr int64_t width = Vec<T>::width;
  int64_t i = 0;
  for (; i + width <= n; i += width) body(Vec<T>(), i);
  for (; i < n; ++i) body(T(), i);
}
template <class V, class T> V load(const T* data, int64_t at) {
  if constexpr (SimdValue<V>) return V::load(data + at);
  else return data[at];
}
template <class V, class T> void store(const V& value, T* data, int64_t at) {
  if constexpr (SimdValue<V>) value.store(data + at);
  else data[at] = value;
}

/// A sum along a row, kept in a vector and a number for the last elements.
template <class T> struct RowSum {
  Vec<T> vectors = T(0);
  T rest = 0;
  void add(Vec<T> v) { vectors += v; }
  void add(T v) { rest += v; }
  T total() const { return math::sum(vectors) + rest; }
};

template <class T> struct RowMoments {
  T mean, scale;  // scale = 1 / √(variance + ε)
  RowMoments(const T* x, int64_t n, double epsilon) {
    RowSum<T> sum, squares;
    along_row<T>(n, [&]<class V>(V, int64_t i) { sum.add(load<V>(x, i)); });
    mean = sum.total() / T(n);
    along_row<T>(n, [&]<class V>(V, int64_t i) {
      const V d = load<V>(x, i) - V(mean);
      squares.add(d * d);
    });
    scale = T(1) / std::sqrt(squares.total() / T(n) + T(epsilon));
  }
};

constexpr int64_t panel_elements = 32768;  // rows are shared out in panels of about this size, whatever the threads

}  // namespace

Tensor LayerNormOp::eval(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  check(x.rank() >= 1 && weight.shape() == Shape{x.size(-1)} && bias.shape() == weight.shape(), name, ": ", x.shape(),
        " with weight ", weight.shape(), " and bias ", bias.shape(), ": expected [..., n] with [n] and [n]");
  check(x.dtype() == weight.dtype() && x.dtype() == bias.dtype(), name, ": ", x.dtype(), " input, ", weight.dtype(),
        " weight, ", bias.dtype(), " bias: expected one element type; convert with cast(x, ", weight.dtype(), ")");
  common_dtype(name, std::array{&x, &weight, &bias});
  const Tensor rows = contiguous(x), w = contiguous(weight), b = contiguous(bias);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  const int64_t n = x.size(-1), count = n > 0 ? x.numel() / n : 0;
  const int64_t panel = std::max<int64_t>(1, panel_elements / std::max<int64_t>(1, n));
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    if (x.device().is_cuda())
      return backend_of(x).layer_norm(x.dtype(), rows.raw(), w.raw(), b.raw(), count, n, epsilon, y.mutable_raw());
    const T *in = rows.data<T>(), *ww = w.data<T>(), *bb = b.data<T>();
    T* out = y.mutable_data<T>();
    parallel_for((count + panel - 1) / panel, [&](int64_t p) {
      for (int64_t r = p * panel; r < std::min(count, (p + 1) * panel); ++r) {
        const T* row = in + r * n;
        T* to = out + r * n;
        const RowMoments<T> m(row, n, epsilon);
        along_row<T>(n, [&]<class V>(V, int64_t i) {
          store((load<V>(row, i) - V(m.mean)) * V(m.scale) * load<V>(ww, i) + load<V>(bb, i), to, i);
        });
      }
    });
  });
  return y;
}

// With x̂ = (x - mean) · scale and h = g · weight:  dx = scale · (h - mean(h) - x̂ · mean(h x̂)),  dweight = Σ g x̂,
// dbias = Σ g. Panels of rows keep their own sums, which are added in their order.
std::array<Tensor, 3> LayerNormOp::fused_vjp(Wanted, const Tensor& g, const Tensor& x, const Tensor& weight,
                                             const Tensor&, const Tensor&) const {
  const Tensor rows = contiguous(x), cotangent = contiguous(g), w = contiguous(weight);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  const int64_t n = x.size(-1), count = n > 0 ? x.numel() / n : 0;
  if (x.device().is_cuda()) {
    Tensor dw = Tensor::empty(weight.shape(), x.dtype(), x.device()),
           db = Tensor::empty(dw.shape(), x.dtype(), x.device());
    backend_of(x).layer_norm_vjp(x.dtype(), cotangent.raw(), rows.raw(), w.raw(), count, n, epsilon, dx.mutable_raw(),
                                 dw.mutable_raw(), db.mutable_raw());
    return {dx, dw, db};
  }
  Tensor dw = zeros(weight.shape(), x.dtype(), x.device()), db = zeros(weight.shape(), x.dtype(), x.device());
  const int64_t panel = std::max<int64_t>(1, panel_elements / std::max<int64_t>(1, n));
  const int64_t panels = (count + panel - 1) / panel;
  Tensor partial = zeros({panels, 2, n}, x.dtype(), x.device());
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    const T *in = rows.data<T>(), *gg = cotangent.data<T>(), *ww = w.data<T>();
    T *out = dx.mutable_data<T>(), *sums = partial.mutable_data<T>();
    parallel_for(panels, [&](int64_t p) {
      T *pw = sums + p * 2 * n, *pb = pw + n;
      for (int64_t r = p * panel; r < std::min(count, (p + 1) * panel); ++r) {
        const T *row = in + r * n, *from = gg + r * n;
        T* to = out + r * n;
        const RowMoments<T> m(row, n, epsilon);
        RowSum<T> h_sum, hx_sum;
        along_row<T>(n, [&]<class V>(V, int64_t i) {
          const V grad = load<V>(from, i), normal = (load<V>(row, i) - V(m.mean)) * V(m.scale);
          const V h = grad * load<V>(ww, i);
          h_sum.add(h);
          hx_sum.add(h * normal);
          store(load<V>(pw, i) + grad * normal, pw, i);
          store(load<V>(pb, i) + grad, pb, i);
        });
        const T h_mean = h_sum.total() / T(n), hx_mean = hx_sum.total() / T(n);
        along_row<T>(n, [&]<class V>(V, int64_t i) {
          const V normal = (load<V>(row, i) - V(m.mean)) * V(m.scale);
          const V h = load<V>(from, i) * load<V>(ww, i);
          store(V(m.scale) * (h - V(h_mean) - normal * V(hx_mean)), to, i);
        });
      }
    });
    T *tw = dw.mutable_data<T>(), *tb = db.mutable_data<T>();
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t i = 0; i < n; ++i) {
        tw[i] += sums[p * 2 * n + i];
        tb[i] += sums[p * 2 * n + n + i];
      }
  });
  return {dx, dw, db};
}

}  // namespace pf
