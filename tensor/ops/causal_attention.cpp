#include "tensor/ops/causal_attention.h"

#include <algorithm>
#include <vector>

#include "tensor/device_pass.h"
#include "tensor/gemm.h"
#include "tensor/parallel.h"
#include "tensor/pointwise.h"
#include "tensor/simd.h"

namespace pf {
namespace {

constexpr int64_t block = 64;  // queries whose scores are worked on together

/// The matrices of one head, read where they lie.
template <class T> MatrixRef<T> head_of(const Tensor& x, int64_t index) {
  const int r = x.rank();
  int64_t at = 0;
  for (int axis = r - 3; axis >= 0; --axis) {
    at += index % x.shape()[axis] * x.strides()[axis];
    index /= x.shape()[axis];
  }
  return {x.data<T>() + at, x.shape()[r - 2], x.shape()[r - 1], x.strides()[r - 2], x.strides()[r - 1]};
}
template <class T> MatrixRef<T> rows_of(MatrixRef<T> m, int64_t from, int64_t to) {
  m.data += from * m.row;
  m.rows = to - from;
  return m;
}

/// The weights of queries first … last − 1 over the keys up to `last`; zero for keys that are later than the query. A row
/// has room for whole vectors.
template <class T> class Weights {
 public:
  explicit Weights(int64_t tokens)
      : stride_((tokens + Vec<T>::width - 1) / Vec<T>::width * Vec<T>::width),
        data_(size_t(stride_ * std::min(tokens, block))) {}

  void compute(const MatrixRef<T>& q, const MatrixRef<T>& k, int64_t first, int64_t last) {
    const T scale = T(1 / std::sqrt(double(q.columns)));
    gemm(rows_of(q, first, last), rows_of(k, 0, last).transposed(), data_.data(), stride_);
    for (int64_t i = first; i < last; ++i) softmax(row(i - first), i + 1, padded(last), scale);
  }
  T* row(int64_t i) { return data_.data() + i * stride_; }
  int64_t stride() const { return stride_; }
  /// As many numbers of a row as fill whole vectors.
  int64_t padded(int64_t n) const { return (n + Vec<T>::width - 1) / Vec<T>::width * Vec<T>::width; }
  MatrixRef<T> matrix(int64_t rows, int64_t columns) const { return {data_.data(), rows, columns, stride_, 1}; }

 private:
  static void softmax(T* x, int64_t n, int64_t end, T scale) {
    using V = Vec<T>;
    std::fill(x + n, x + end, -std::numeric_limits<T>::infinity());
    V top(x[0]), total(0);
    for (int64_t i = 0; i < end; i += V::width) top = math::max(top, V::load(x + i));
    const V shift(math::hmax(top));
    for (int64_t i = 0; i < end; i += V::width) {
      const V e = math::exp((V::load(x + i) - shift) * V(scale));
      e.store(x + i);
      total += e;
    }
    const V factor(T(1) / math::sum(total));
    for (int64_t i = 0; i < end; i += V::width) (V::load(x + i) * factor).store(x + i);
  }

  int64_t stride_;
  std::vector<T> data_;
};

/// dS = P ∘ (dP − Σ P ∘ dP) · scale, row by row, in the place of dP.
template <class T> void softmax_backward(const T* p, T* dp, int64_t end, T scale) {
  using V = Vec<T>;
  V dot(0);
  for (int64_t i = 0; i < end; i += V::width) dot += V::load(p + i) * V::load(dp + i);
  const V mean(math::sum(dot));
  for (int64_t i = 0; i < end; i += V::width) (V::load(p + i) * (V::load(dp + i) - mean) * V(scale)).store(dp + i);
}

// On a GPU: cuBLAS and a softmax of its own, for as many heads at once as their scores may take memory.
constexpr int64_t scores_at_once = int64_t(1) << 24;

/// Calls body(first, heads) for groups of heads.
template <class Body> void for_heads(int64_t heads, int64_t tokens, const Body& body) {
  const int64_t each = std::max<int64_t>(1, scores_at_once / (tokens * tokens));
  for (int64_t h = 0; h < heads; h += each) body(h, std::min(each, heads - h));
}

/// [heads, rows, columns] from head number `first` of a contiguous array, for cuBLAS.
struct HeadMatrices {
  cuda::Matrix matrix;
  int64_t step;
  HeadMatrices(const void* data, int64_t first, int64_t rows, int64_t columns, DType dtype)
      : matrix{static_cast<const std::byte*>(data) + first * rows * columns * size_of(dtype), rows, columns, columns,
               1},
        step(rows * columns) {}
  HeadMatrices transposed() const {
    HeadMatrices out = *this;
    std::swap(out.matrix.rows, out.matrix.columns);
    std::swap(out.matrix.row, out.matrix.column);
    return out;
  }
};
void multiply_heads(cuda::Backend& on, DType dtype, const HeadMatrices& a, const HeadMatrices& b,
                    const HeadMatrices& to, int64_t heads) {
  on.gemm(dtype, a.matrix, a.step, b.matrix, b.step, const_cast<void*>(to.matrix.data), to.step, heads, false);
}

void attend_on_device(const Tensor& q, const Tensor& k, const Tensor& v, Tensor& y) {
  cuda::Backend& on = backend_of(q);
  const DType dtype = q.dtype();
  const int64_t tokens = q.size(-2), width = q.size(-1), heads = q.numel() / (tokens * width);
  void* out = y.mutable_raw();
  for_heads(heads, tokens, [&](int64_t first, int64_t count) {
    Tensor memory = Tensor::empty({count, tokens, tokens}, dtype, q.device());
    const HeadMatrices scores(memory.mutable_raw(), 0, tokens, tokens, dtype);
    const auto at = [&](const void* data) { return HeadMatrices(data, first, tokens, width, dtype); };
    multiply_heads(on, dtype, at(q.raw()), at(k.raw()).transposed(), scores, count);
    on.causal_softmax(dtype, memory.mutable_raw(), count, tokens, 1 / std::sqrt(double(width)));
    multiply_heads(on, dtype, scores, at(v.raw()), at(out), count);
  });
}

void attend_backward_on_device(const Tensor& g, const Tensor& q, const Tensor& k, const Tensor& v, Tensor& dq,
                               Tensor& dk, Tensor& dv) {
  cuda::Backend& on = backend_of(q);
  const DType dtype = q.dtype();
  const int64_t tokens = q.size(-2), width = q.size(-1), heads = q.numel() / (tokens * width);
  const double scale = 1 / std::sqrt(double(width));
  void *by_q = dq.mutable_raw(), *by_k = dk.mutable_raw(), *by_v = dv.mutable_raw();
  for_heads(heads, tokens, [&](int64_t first, int64_t count) {
    Tensor memory = Tensor::empty({2, count, tokens, tokens}, dtype, q.device());
    void* data = memory.mutable_raw();
    const HeadMatrices weights(data, 0, tokens, tokens, dtype), slopes(data, count, tokens, tokens, dtype);
    const auto at = [&](const void* from) { return HeadMatrices(from, first, tokens, width, dtype); };
    multiply_heads(on, dtype, at(q.raw()), at(k.raw()).transposed(), weights, count);
    on.causal_softmax(dtype, data, count, tokens, scale);
    multiply_heads(on, dtype, weights.transposed(), at(g.raw()), at(by_v), count);
    multiply_heads(on, dtype, at(g.raw()), at(v.raw()).transposed(), slopes, count);
    on.causal_softmax_vjp(dtype, data, const_cast<void*>(slopes.matrix.data), count, tokens, scale);
    multiply_heads(on, dtype, slopes, at(k.raw()), at(by_q), count);
    multiply_heads(on, dtype, slopes.transposed(), at(q.raw()), at(by_k), count);
  });
}

}  // namespace

Tensor CausalAttention::eval(const Tensor& q, const Tensor& k, const Tensor& v) const {
  common_dtype(name, std::array{&q, &k, &v});
  Tensor y = Tensor::empty(q.shape(), q.dtype(), q.device());
  if (y.numel() == 0) return y;
  if (q.device().is_cuda()) {
    dispatch_floating(q.dtype(), name,
                      [&]<class T>() { attend_on_device(contiguous(q), contiguous(k), contiguous(v), y); });
    return y;
  }
  const int64_t tokens = q.size(-2), width = q.size(-1), heads = q.numel() / (tokens * width);
  dispatch_floating(q.dtype(), name, [&]<class T>() {
    T* out = y.mutable_data<T>();
    parallel_for(heads, [&](int64_t h) {
      const MatrixRef<T> queries = head_of<T>(q, h), keys = head_of<T>(k, h), values = head_of<T>(v, h);
      Weights<T> weights(tokens);
      for (int64_t i = 0; i < tokens; i += block) {
        const int64_t end = std::min(tokens, i + block);
        weights.compute(queries, keys, i, end);
        gemm(weights.matrix(end - i, end), rows_of(values, 0, end), out + (h * tokens + i) * width, width);
      }
    });
  });
  return y;
}

std::array<Tensor, 3> CausalAttention::fused_vjp(Wanted, const Tensor& g, const Tensor& q, const Tensor& k,
                                                 const Tensor& v, const Tensor&) const {
  Tensor dq = Tensor::empty(q.shape(), q.dtype(), q.device());
  if (q.numel() > 0 && q.device().is_cuda()) {
    Tensor dk = Tensor::empty(q.shape(), q.dtype(), q.device()), dv = Tensor::empty(q.shape(), q.dtype(), q.device());
    attend_backward_on_device(contiguous(g), contiguous(q), contiguous(k), contiguous(v), dq, dk, dv);
    return {dq, dk, dv};
  }
  Tensor dk = zeros(q.shape(), q.dtype(), q.device()), dv = zeros(q.shape(), q.dtype(), q.device());
  if (q.numel() == 0) return {dq, dk, dv};
  const int64_t tokens = q.size(-2), width = q.size(-1), heads = q.numel() / (tokens * width);
  dispatch_floating(q.dtype(), name, [&]<class T>() {
    T *by_q = dq.mutable_data<T>(), *by_k = dk.mutable_data<T>(), *by_v = dv.mutable_data<T>();
    const T scale = T(1 / std::sqrt(double(width)));
    parallel_for(heads, [&](int64_t h) {
      const MatrixRef<T> queries = head_of<T>(q, h), keys = head_of<T>(k, h), values = head_of<T>(v, h),
                         cotangents = head_of<T>(g, h);
      const int64_t at = h * tokens * width;
      Weights<T> weights(tokens), slopes(tokens);
      for (int64_t i = 0; i < tokens; i += block) {
        const int64_t end = std::min(tokens, i + block), rows = end - i;
        weights.compute(queries, keys, i, end);
        gemm(rows_of(cotangents, i, end), rows_of(values, 0, end).transposed(), slopes.row(0), slopes.stride());
        for (int64_t r = 0; r < rows; ++r) {
          std::fill(slopes.row(r) + end, slopes.row(r) + slopes.padded(end), T(0));
          softmax_backward(weights.row(r), slopes.row(r), slopes.padded(end), scale);
        }
        gemm(slopes.matrix(rows, end), rows_of(keys, 0, end), by_q + at + i * width, width);
        gemm(slopes.matrix(rows, end).transposed(), rows_of(queries, i, end), by_k + at, width,
             AddTo<T>{by_k + at, width});
        gemm(weights.matrix(rows, end).transposed(), rows_of(cotangents, i, end), by_v + at, width,
             AddTo<T>{by_v + at, width});
      }
    });
  });
  return {dq, dk, dv};
}

}  // namespace pf
