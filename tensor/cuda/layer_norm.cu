// Layer normalisation: a warp a row; the gradients of weight and bias as column sums over panels of rows, which are added
// in their order.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/for_each.h"
#include "tensor/cuda/warp_reduce.h"
#include "tensor/math.h"

namespace pf::cuda {
namespace {

template <class T> struct Moments {
  T mean, scale;  // scale = 1 / √(variance + ε)
};
template <class T> __device__ Moments<T> moments_of(const T* x, int n, T epsilon, int lane) {
  T sum = 0, squares = 0;
  for (int i = lane; i < n; i += warp_lanes) sum += x[i];
  const T mean = warp_sum(sum) / T(n);
  for (int i = lane; i < n; i += warp_lanes) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, T(1) / math::sqrt(warp_sum(squares) / T(n) + epsilon)};
}

template <class T> struct NormRow {
  const T *x, *weight, *bias;
  T* y;
  int n;
  T epsilon;
  __device__ void operator()(int64_t row, int lane) const {
    const T* from = x + row * n;
    T* to = y + row * n;
    const Moments<T> m = moments_of(from, n, epsilon, lane);
    for (int i = lane; i < n; i += warp_lanes) to[i] = (from[i] - m.mean) * m.scale * weight[i] + bias[i];
  }
};

// With x̂ = (x - mean) · scale and h = g · weight:  dx = scale · (h - mean(h) - x̂ · mean(h x̂)).
template <class T> struct NormRowVjp {
  const T *g, *x, *weight;
  T* dx;
  Moments<T>* moments;  // one a row, for the columns
  int n;
  T epsilon;
  __device__ void operator()(int64_t row, int lane) const {
    const T *from = x + row * n, *slope = g + row * n;
    T* to = dx + row * n;
    const Moments<T> m = moments_of(from, n, epsilon, lane);
    T h_sum = 0, hx_sum = 0;
    for (int i = lane; i < n; i += warp_lanes) {
      const T h = slope[i] * weight[i];
      h_sum += h;
      hx_sum += h * ((from[i] - m.mean) * m.scale);
    }
    const T h_mean = warp_sum(h_sum) / T(n), hx_mean = warp_sum(hx_sum) / T(n);
    for (int i = lane; i < n; i += warp_lanes) {
      const T normal = (from[i] - m.mean) * m.scale;
      to[i] = m.scale * (slope[i] * weight[i] - h_mean - normal * hx_mean);
    }
    if (lane == 0) moments[row] = m;
  }
};

/// Σ g x̂ and Σ g over the rows of a panel: one thread a column, neighbours read neighbours. partial: [panels, 2, n].
template <class T> struct PanelSums {
  const T *g, *x;
  const Moments<T>* moments;
  T* partial;
  int64_t rows, panel;
  int n;
  __device__ void operator()(int64_t task) const {
    const int64_t p = task / n, first = p * panel, last = first + panel < rows ? first + panel : rows;
    const int column = int(task - p * n);
    T by_weight = 0, by_bias = 0;
    for (int64_t r = first; r < last; ++r) {
      const T slope = g[r * n + column];
      by_weight += slope * ((x[r * n + column] - moments[r].mean) * moments[r].scale);
      by_bias += slope;
    }
    partial[p * 2 * n + column] = by_weight;
    partial[p * 2 * n + n + column] = by_bias;
  }
};
template <class T> struct AddPanels {
  const T* partial;
  T *dweight, *dbias;
  int64_t panels;
  int n;
  __device__ void operator()(int64_t i) const {
    T sum = 0;
    for (int64_t p = 0; p < panels; ++p) sum += partial[p * 2 * n + i];
    (i < n ? dweight[i] : dbias[i - n]) = sum;
  }
};

int64_t panel_of(int64_t rows) { return std::max<int64_t>(32, (rows + 127) / 128); }
int64_t panels_of(int64_t rows) { return (rows + panel_of(rows) - 1) / panel_of(rows); }

}  // namespace

void launch_layer_norm(DType dtype, const void* x, const void* weight, const void* bias, int64_t rows, int64_t n,
                       double epsilon, void* y, cudaStream_t stream) {
  dispatch_floating(dtype, "layer_norm", [&]<class T>() {
    for_each_row("layer_norm", rows, n, stream,
                 NormRow<T>{static_cast<const T*>(x), static_cast<const T*>(weight), static_cast<const T*>(bias),
                            static_cast<T*>(y), int(n), T(epsilon)});
  });
}

size_t layer_norm_scratch(DType dtype, int64_t rows, int64_t n) {
  return size_t(2 * rows + panels_of(rows) * 2 * n) * size_t(size_of(dtype));
}

void launch_layer_norm_vjp(DType dtype, const void* g, const void* x, const void* weight, int64_t rows, int64_t n,
                           double epsilon, void* dx, void* dweight, void* dbias, void* scratch, cudaStream_t stream) {
  dispatch_floating(dtype, "layer_norm", [&]<class T>() {
    const T *slope = static_cast<const T*>(g), *from = static_cast<const T*>(x);
    auto* moments = static_cast<Moments<T>*>(scratch);
    T* partial = reinterpret_cast<T*>(moments + rows);
    const int64_t panels = panels_of(rows);
    for_each_row(
        "layer_norm", rows, n, stream,
        NormRowVjp<T>{slope, from, static_cast<const T*>(weight), static_cast<T*>(dx), moments, int(n), T(epsilon)});
    for_each_index("layer_norm", panels * n, stream,
                   PanelSums<T>{slope, from, moments, partial, rows, panel_of(rows), int(n)});
    for_each_index("layer_norm", 2 * n, stream,
                   AddPanels<T>{partial, static_cast<T*>(dweight), static_cast<T*>(dbias), panels, int(n)});
  });
}

}  // namespace pf::cuda
