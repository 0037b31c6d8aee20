#include "tensor/ops/softmax.h"

#include <algorithm>

#include "tensor/device_pass.h"
#include "tensor/reduction.h"

namespace pf {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// Each row of a softmax runs along one axis. Rows that lie side by side in memory, or that are short, are worked on as many
// at a time as a vector has lanes (Vec loads from n places `stride` apart); long rows one by one, along the vectors.

// Sums of positive terms, in blocks, so that long rows stay accurate.
template <class V> class BlockedSum {
 public:
  void add(V term) {
    block_ = block_ + term;
    if (++count_ == 32) {
      total_ = total_ + block_;
      block_ = V(0);
      count_ = 0;
    }
  }
  V result() const { return total_ + block_; }

 private:
  V total_{0}, block_{0};
  int count_ = 0;
};

// The largest element, or 0 where there is no finite one to take out; NaN stays NaN.
template <class V> V shift_from(V top) { return math::select(math::isinf(top), V(0), top); }

// Rows across the lanes ------------------------------------------------------------------------------------------

template <class T> Vec<T> lanes_shift(const T* x, int64_t n, int64_t stride) {
  Vec<T> top = Vec<T>::load(x);
  for (int64_t i = 1; i < n; ++i) top = math::max(top, Vec<T>::load(x + i * stride));
  return shift_from(top);
}
template <class T> Vec<T> lanes_sum_exp(const T* x, int64_t n, int64_t stride, Vec<T> shift, T* terms) {
  BlockedSum<Vec<T>> sum;
  for (int64_t i = 0; i < n; ++i) {
    const Vec<T> e = math::exp(Vec<T>::load(x + i * stride) - shift);
    if (terms) e.store(terms + i * stride);
    sum.add(e);
  }
  return sum.result();
}
template <class T> Vec<T> lanes_log_sum_exp(const T* x, int64_t n, int64_t stride) {
  const Vec<T> shift = lanes_shift(x, n, stride);
  return shift + math::log(lanes_sum_exp<T>(x, n, stride, shift, nullptr));
}

// Rows along the vectors ------------------------------------------------------------------------------------------

// The last vector is filled up with an element that does not count.
template <class T, class Body> void for_row(const T* row, int64_t n, double filler, const Body& body) {
  constexpr int64_t w = Vec<T>::width;
  int64_t i = 0;
  for (; i + w <= n; i += w) body(i, Vec<T>::load(row + i), w);
  if (i < n) {
    alignas(64) T part[w];
    for (int64_t k = 0; k < w; ++k) part[k] = i + k < n ? row[i + k] : T(filler);
    body(i, Vec<T>::load(part), n - i);
  }
}
template <class T> void store_part(const Vec<T>& v, T* to, int64_t count) {
  if (count == Vec<T>::width) return v.store(to);
  alignas(64) T part[Vec<T>::width];
  v.store(part);
  for (int64_t k = 0; k < count; ++k) to[k] = part[k];
}
template <class T> T row_shift(const T* row, int64_t n) {
  Vec<T> top(minus_infinity);
  for_row(row, n, minus_infinity, [&](int64_t, Vec<T> x, int64_t) { top = math::max(top, x); });
  return shift_from(math::hmax(top));
}
template <class T> T row_sum_exp(const T* row, int64_t n, T shift, T* terms) {
  BlockedSum<Vec<T>> sum;
  for_row(row, n, minus_infinity, [&](int64_t i, Vec<T> x, int64_t lanes) {
    const Vec<T> e = math::exp(x - Vec<T>(shift));
    if (terms) store_part(e, terms + i, lanes);
    sum.add(e);
  });
  return math::sum(sum.result());
}
template <class T> T row_log_sum_exp(const T* row, int64_t n) {
  const T shift = row_shift(row, n);
  return shift + math::log(row_sum_exp<T>(row, n, shift, nullptr));
}

// The operations, each for rows across the lanes and for one row along the vectors: a and b in, y out --------------

struct SoftmaxRows {
  static constexpr auto on_device = cuda::RowOperation::softmax;
  template <class T> static void lanes(const T* x, const T*, int64_t n, int64_t stride, T* y) {
    const Vec<T> factor = Vec<T>(1) / lanes_sum_exp(x, n, stride, lanes_shift(x, n, stride), y);
    for (int64_t i = 0; i < n; ++i) (Vec<T>::load(y + i * stride) * factor).store(y + i * stride);
  }
  template <class T> static void row(const T* x, const T*, int64_t n, T* y) {
    const Vec<T> factor(T(1) / row_sum_exp(x, n, row_shift(x, n), y));
    for_row(y, n, 0, [&](int64_t i, Vec<T> e, int64_t lanes) { store_part(e * factor, y + i, lanes); });
  }
};
struct LogSoftmaxRows {
  static constexpr auto on_device = cuda::RowOperation::log_softmax;
  template <class T> static void lanes(const T* x, const T*, int64_t n, int64_t stride, T* y) {
    const Vec<T> offset = lanes_log_sum_exp(x, n, stride);
    for (int64_t i = 0; i < n; ++i) (Vec<T>::load(x + i * stride) - offset).store(y + i * stride);
  }
  template <class T> static void row(const T* x, const T*, int64_t n, T* y) {
    const Vec<T> offset(row_log_sum_exp(x, n));
    for_row(x, n, 0, [&](int64_t i, Vec<T> v, int64_t lanes) { store_part(v - offset, y + i, lanes); });
  }
};
/// y (g - Σ g y)
struct SoftmaxVjpRows {
  static constexpr auto on_device = cuda::RowOperation::softmax_vjp;
  template <class T> static void lanes(const T* g, const T* y, int64_t n, int64_t stride, T* out) {
    BlockedSum<Vec<T>> dot;
    for (int64_t i = 0; i < n; ++i) dot.add(Vec<T>::load(g + i * stride) * Vec<T>::load(y + i * stride));
    const Vec<T> mean = dot.result();
    for (int64_t i = 0; i < n; ++i)
      (Vec<T>::load(y + i * stride) * (Vec<T>::load(g + i * stride) - mean)).store(out + i * stride);
  }
  template <class T> static void row(const T* g, const T* y, int64_t n, T* out) {
    for (int64_t i = 0; i < n; ++i) out[i] = g[i] * y[i];
    const T mean = detail::reduce_run<detail::Adding>(out, n, 1);
    for (int64_t i = 0; i < n; ++i) out[i] = y[i] * (g[i] - mean);
  }
};
/// g - exp(y) Σ g
struct LogSoftmaxVjpRows {
  static constexpr auto on_device = cuda::RowOperation::log_softmax_vjp;
  template <class T> static void lanes(const T* g, const T* y, int64_t n, int64_t stride, T* out) {
    BlockedSum<Vec<T>> sum;
    for (int64_t i = 0; i < n; ++i) sum.add(Vec<T>::load(g + i * stride));
    const Vec<T> total = sum.result();
    for (int64_t i = 0; i < n; ++i)
      (Vec<T>::load(g + i * stride) - math::exp(Vec<T>::load(y + i * stride)) * total).store(out + i * stride);
  }
  template <class T> static void row(const T* g, const T* y, int64_t n, T* out) {
    const Vec<T> total(detail::reduce_run<detail::Adding>(g, n, 1));
    for_row(y, n, 0, [&](int64_t i, Vec<T> v, int64_t lanes) { store_part(math::exp(v) * total, out + i, lanes); });
    for (int64_t i = 0; i < n; ++i) out[i] = g[i] - out[i];
  }
};
/// Only the first element of the result counts.
struct LogSumExpRows {
  template <class T> static void lanes(const T* x, const T*, int64_t n, int64_t stride, T* y) {
    lanes_log_sum_exp(x, n, stride).store(y);
  }
  template <class T> static void row(const T* x, const T*, int64_t n, T* y) { *y = row_log_sum_exp(x, n); }
};

constexpr int64_t short_row = 64;  // up to here it pays to turn rows so that they lie across the lanes

// `count` (at most a vector of) rows that are `row` apart, elements `step` apart, through a buffer; m results a row.
template <class Rows, class T>
void run_turned(const T* a, const T* b, int64_t count, int64_t n, int64_t row, int64_t step, T* y, int64_t m,
                int64_t y_row, int64_t y_step) {
  constexpr int64_t w = Vec<T>::width;
  thread_local std::vector<T> memory;
  if (int64_t(memory.size()) < 3 * n * w) memory.resize(size_t(3 * n * w));
  T *turned_a = memory.data(), *turned_b = turned_a + n * w, *out = turned_b + n * w;
  auto turn = [&](const T* from, T* to) {
    for (int64_t k = 0; k < w; ++k)
      for (int64_t i = 0; i < n; ++i) to[i * w + k] = from[std::min(k, count - 1) * row + i * step];
  };
  turn(a, turned_a);
  if (b) turn(b, turned_b);
  Rows::lanes(turned_a, turned_b, n, w, out);
  for (int64_t k = 0; k < count; ++k)
    for (int64_t i = 0; i < m; ++i) y[k * y_row + i * y_step] = out[i * w + k];
}

// a and b (optional) are [outer, n, inner]; the result is [outer, m, inner], m = n or 1.
template <class Rows, class T>
void run_rows(const T* a, const T* b, int64_t outer, int64_t n, int64_t inner, T* y, int64_t m) {
  constexpr int64_t w = Vec<T>::width;
  if (inner == 1 && n > short_row) {
    const int64_t per_chunk = std::max<int64_t>(1, detail::reduce_chunk / 2 / n);
    parallel_for((outer + per_chunk - 1) / per_chunk, [&](int64_t c) {
      for (int64_t i = c * per_chunk; i < std::min(outer, (c + 1) * per_chunk); ++i)
        Rows::row(a + i * n, b ? b + i * n : nullptr, n, y + i * m);
    });
    return;
  }
  if (inner == 1) {
    const int64_t groups = (outer + w - 1) / w, per_chunk = std::max<int64_t>(1, detail::reduce_chunk / 2 / (n * w));
    parallel_for((groups + per_chunk - 1) / per_chunk, [&](int64_t c) {
      for (int64_t i = c * per_chunk * w; i < std::min(outer, (c + 1) * per_chunk * w); i += w)
        run_turned<Rows>(a + i * n, b ? b + i * n : nullptr, std::min(w, outer - i), n, n, 1, y + i * m, m, m, 1);
    });
    return;
  }
  const int64_t groups = (inner + w - 1) / w, per_chunk = std::max<int64_t>(1, detail::reduce_chunk / 2 / (n * w));
  parallel_for((outer * groups + per_chunk - 1) / per_chunk, [&](int64_t c) {
    for (int64_t task = c * per_chunk; task < std::min(outer * groups, (c + 1) * per_chunk); ++task) {
      const int64_t o = task / groups, k = task % groups * w, at = o * n * inner + k;
      T* to = y + o * m * inner + k;
      const T* second = b ? b + at : nullptr;
      if (k + w <= inner) Rows::lanes(a + at, second, n, inner, to);
      else run_turned<Rows>(a + at, second, inner - k, n, 1, inner, to, m, 1, inner);
    }
  });
}

// The operation along one axis, on one or two inputs; the result has the same shape.
template <class Rows> Tensor along_axis(const char* op, int axis, const Tensor& x, const Tensor& other = {}) {
  const Tensor a = contiguous(x), b = other.defined() ? contiguous(other) : Tensor();
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (out.numel() == 0) return out;
  const int64_t n = x.shape()[axis];
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x.shape()[i];
  if (x.device().is_cuda()) {
    backend_of(x).rows(Rows::on_device, x.dtype(), a.raw(), b.defined() ? b.raw() : nullptr,
                       {x.numel() / (n * inner), n, inner}, out.mutable_raw());
    return out;
  }
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    run_rows<Rows>(a.data<T>(), b.defined() ? b.data<T>() : nullptr, x.numel() / (n * inner), n, inner,
                   out.mutable_data<T>(), n);
  });
  return out;
}

}  // namespace

Tensor Softmax::eval(const Tensor& x) const {
  return along_axis<SoftmaxRows>(name, normalize_axis(axis, x.rank(), name), x);
}
std::array<Tensor, 1> Softmax::fused_vjp(Wanted, const Tensor& g, const Tensor&, const Tensor& y) const {
  return {along_axis<SoftmaxVjpRows>(name, normalize_axis(axis, y.rank(), name), g, y)};
}
Tensor LogSoftmax::eval(const Tensor& x) const {
  return along_axis<LogSoftmaxRows>(name, normalize_axis(axis, x.rank(), name), x);
}
std::array<Tensor, 1> LogSoftmax::fused_vjp(Wanted, const Tensor& g, const Tensor&, const Tensor& y) const {
  return {along_axis<LogSoftmaxVjpRows>(name, normalize_axis(axis, y.rank(), name), g, y)};
}

Tensor LogSumExp::eval(const Tensor& x) const {
  const Shape shape = detail::reduced_shape(x.shape(), axes, keepdim, name);
  const int64_t n = detail::reduced_count(x.shape(), axes, name);
  if (n == 0) return full(shape, minus_infinity, x.dtype(), x.device());
  // [outer, n, inner] where the reduced axes are neighbours, else rows put together first.
  const auto flags = axes.flags(x.rank(), name);
  int64_t inner = 1, outer = 1;
  int last = x.rank() - 1;
  for (; last >= 0 && !flags[last]; --last) inner *= x.shape()[last];
  for (; last >= 0 && flags[last]; --last) {}
  bool neighbours = true;
  for (; last >= 0; --last) {
    neighbours &= !flags[last];
    outer *= x.shape()[last];
  }
  const Tensor from = contiguous(neighbours ? x : detail::as_rows(x, detail::RowsOfReduction(x.shape(), axes, name)));
  Tensor out = Tensor::empty(shape, x.dtype(), x.device());
  if (!neighbours) outer = out.numel(), inner = 1;
  if (out.numel() == 0) return out;
  if (x.device().is_cuda()) {
    backend_of(x).rows(cuda::RowOperation::logsumexp, x.dtype(), from.raw(), nullptr, {outer, n, inner},
                       out.mutable_raw());
    return out;
  }
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    run_rows<LogSumExpRows>(from.data<T>(), static_cast<const T*>(nullptr), outer, n, inner, out.mutable_data<T>(), 1);
  });
  return out;
}

}  // namespace pf
