#include "tensor/ops/softmax.h"

#include "tensor/reduction.h"

namespace pf {
namespace {

// A row of vectors, the last one filled up with a value that does not count.
template <class T, class Body>
void for_row(const T* row, int64_t n, T filler, const Body& body) {
  constexpr int64_t w = Vec<T>::width;
  int64_t i = 0;
  for (; i + w <= n; i += w) body(i, Vec<T>::load(row + i), w);
  if (i < n) {
    alignas(64) T part[w];
    std::copy_n(row + i, n - i, part);
    std::fill(part + (n - i), part + w, filler);
    body(i, Vec<T>::load(part), n - i);
  }
}
template <class T>
void store_row(const Vec<T>& v, T* to, int64_t count) {
  if (count == Vec<T>::width) return v.store(to);
  alignas(64) T part[Vec<T>::width];
  v.store(part);
  std::copy_n(part, count, to);
}

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// The largest element, or 0 where there is no finite one to take out; NaN stays NaN.
template <class T>
T shift_of(const T* row, int64_t n) {
  Vec<T> top(static_cast<T>(minus_infinity));
  for_row(row, n, static_cast<T>(minus_infinity), [&](int64_t, Vec<T> x, int64_t) { top = math::max(top, x); });
  const T out = math::hmax(top);
  return std::isinf(out) ? T(0) : out;
}

// Σ exp(x - shift), and the terms to `terms` where that is given.
template <class T>
T sum_exp(const T* row, int64_t n, T shift, T* terms) {
  Vec<T> total(0), block(0);
  int count = 0;
  for_row(row, n, static_cast<T>(minus_infinity), [&](int64_t i, Vec<T> x, int64_t lanes) {
    const Vec<T> e = math::exp(x - Vec<T>(shift));
    if (terms) store_row(e, terms + i, lanes);
    block += e;
    if (++count == 32) {  // two levels: long rows stay accurate
      total += block;
      block = Vec<T>(0);
      count = 0;
    }
  });
  return math::sum(total + block);
}

template <class T>
T log_sum_exp(const T* row, int64_t n) {
  const T shift = shift_of(row, n);
  return shift + std::log(sum_exp<T>(row, n, shift, nullptr));
}

template <class T>
void softmax_row(const T* x, int64_t n, T* y) {
  const T factor = T(1) / sum_exp(x, n, shift_of(x, n), y);
  for_row(y, n, T(0), [&](int64_t i, Vec<T> e, int64_t lanes) { store_row(e * Vec<T>(factor), y + i, lanes); });
}
template <class T>
void log_softmax_row(const T* x, int64_t n, T* y) {
  const T offset = log_sum_exp(x, n);
  for_row(x, n, T(0), [&](int64_t i, Vec<T> v, int64_t lanes) { store_row(v - Vec<T>(offset), y + i, lanes); });
}
template <class T>
void softmax_vjp_row(const T* g, const T* y, int64_t n, T* out) {
  Vec<T> dot(0);
  alignas(64) T part[Vec<T>::width] = {};
  auto load = [&](const T* from, int64_t lanes) {
    if (lanes == Vec<T>::width) return Vec<T>::load(from);
    std::copy_n(from, lanes, part);
    return Vec<T>::load(part);
  };
  for_row(y, n, T(0), [&](int64_t i, Vec<T> v, int64_t lanes) { dot += v * load(g + i, lanes); });
  const Vec<T> mean(math::sum(dot));
  for_row(y, n, T(0), [&](int64_t i, Vec<T> v, int64_t lanes) {
    store_row(v * (load(g + i, lanes) - mean), out + i, lanes);
  });
}
template <class T>
void log_softmax_vjp_row(const T* g, const T* y, int64_t n, T* out) {
  const Vec<T> total(detail::reduce_run<detail::Adding>(g, n, 1));
  for_row(y, n, T(0), [&](int64_t i, Vec<T> v, int64_t lanes) { store_row(math::exp(v) * total, out + i, lanes); });
  for (int64_t i = 0; i < n; ++i) out[i] = g[i] - out[i];
}

template <class Body>
void for_rows(int64_t rows, int64_t n, const Body& body) {
  const int64_t per_chunk = std::max<int64_t>(1, detail::reduce_chunk / 2 / n);
  parallel_for((rows + per_chunk - 1) / per_chunk, [&](int64_t c) {
    for (int64_t i = c * per_chunk; i < std::min(rows, (c + 1) * per_chunk); ++i) body(i);
  });
}

Tensor axis_last(const Tensor& x, int axis) { return contiguous(movedim(x, axis, -1)); }

// Rows along an axis, one or two inputs, one output of the same shape.
template <class Row>
Tensor map_rows(const char* op, int axis, const Tensor& x, const Tensor& other, const Row& row) {
  const Tensor a = axis_last(x, axis), b = other.defined() ? axis_last(other, axis) : a;
  Tensor out = Tensor::empty(a.shape(), a.dtype());
  if (a.numel() == 0) return out.view(Layout::contiguous(x.shape()));
  const int64_t n = a.size(-1);
  dispatch_floating(a.dtype(), op, [&]<class T>() {
    T* to = out.mutable_data<T>();
    for_rows(a.numel() / n, n, [&](int64_t i) { row(a.data<T>() + i * n, b.data<T>() + i * n, n, to + i * n); });
  });
  return contiguous(movedim(out, -1, axis));
}

}  // namespace

Tensor Softmax::eval(const Tensor& x) const {
  return map_rows(name, axis, x, {}, [](auto* from, auto*, int64_t n, auto* to) { softmax_row(from, n, to); });
}
std::array<Tensor, 1> Softmax::fused_vjp(Wanted, const Tensor& g, const Tensor&, const Tensor& y) const {
  return {map_rows(name, axis, g, y, [](auto* a, auto* b, int64_t n, auto* to) { softmax_vjp_row(a, b, n, to); })};
}
Tensor LogSoftmax::eval(const Tensor& x) const {
  return map_rows(name, axis, x, {}, [](auto* from, auto*, int64_t n, auto* to) { log_softmax_row(from, n, to); });
}
std::array<Tensor, 1> LogSoftmax::fused_vjp(Wanted, const Tensor& g, const Tensor&, const Tensor& y) const {
  return {map_rows(name, axis, g, y, [](auto* a, auto* b, int64_t n, auto* to) { log_softmax_vjp_row(a, b, n, to); })};
}

Tensor LogSumExp::eval(const Tensor& x) const {
  const Shape shape = detail::reduced_shape(x.shape(), axes, keepdim, name);
  const int64_t n = detail::reduced_count(x.shape(), axes, name);
  if (n == 0) return full(shape, minus_infinity, x.dtype());
  const Tensor rows = contiguous(detail::as_rows(x, detail::RowsOfReduction(x.shape(), axes, name)));
  Tensor out = Tensor::empty(shape, x.dtype());
  dispatch_floating(x.dtype(), name, [&]<class T>() {
    T* to = out.mutable_data<T>();
    for_rows(out.numel(), n, [&](int64_t i) { to[i] = log_sum_exp(rows.data<T>() + i * n, n); });
  });
  return out;
}

}  // namespace pf
