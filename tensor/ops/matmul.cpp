#include "tensor/ops/matmul.h"

#include <algorithm>

#include "tensor/device_pass.h"
#include "tensor/gemm.h"
#include "tensor/parallel.h"
#include "tensor/pointwise.h"
#include "tensor/strided.h"

namespace pf {
namespace detail {

Shape batch_axes(const Shape& shape, int matrix) {
  return Shape(std::span(shape.begin(), size_t(std::max(0, shape.rank() - matrix))));
}
Shape with_batch(Shape batch, std::initializer_list<int64_t> rest) {
  for (int64_t size : rest) batch.push_back(size);
  return batch;
}

void check_matmul(const Shape& a, const Shape& b) {
  check(a.rank() > 0 && b.rank() > 0, "matmul: ", a, " × ", b, ": a number is not a matrix; use a * b");
  const int64_t inner_a = a.back(), inner_b = b[std::max(0, b.rank() - 2)];
  if (inner_a == inner_b) return;
  const bool second = b.rank() > 1 && inner_a == b.back(), first = a.rank() > 1 && a[a.rank() - 2] == inner_b;
  fail("matmul: ", a, " × ", b, ": inner sizes ", inner_a, " and ", inner_b, " differ",
       second  ? "; transpose the second operand?"
       : first ? "; transpose the first operand?"
               : "");
}

void check_linear(const Shape& x, const Shape& weight) {
  check(weight.rank() == 2, "linear: weight ", weight, ": expected [out, in]");
  check(x.rank() > 0 && x.back() == weight[1], "linear: x ", x, " and weight ", weight, ": expected ", weight[1],
        " at the last axis of x",
        x.rank() > 0 && x.back() == weight[0] ? "; the weight is [out, in], transpose it?" : "");
}

namespace {

template <class T> MatrixRef<T> matrix(const Tensor& x) {
  const int r = x.rank();
  return {x.data<T>(), x.shape()[r - 2], x.shape()[r - 1], x.strides()[r - 2], x.strides()[r - 1]};
}

// Where matrix number i of a batch begins.
int64_t batch_offset(const Layout& layout, int64_t i) {
  int64_t at = 0;
  for (int axis = layout.rank() - 3; axis >= 0; --axis) {
    at += i % layout.shape[axis] * layout.strides[axis];
    i /= layout.shape[axis];
  }
  return at;
}

template <class T> Tensor multiply(const Tensor& a, const Tensor& b) {
  const MatrixRef<T> left = matrix<T>(a), right = matrix<T>(b);
  const Shape batch = batch_axes(a.shape());
  Tensor out = Tensor::empty(with_batch(batch, {left.rows, right.columns}), a.dtype());
  T* c = out.mutable_data<T>();
  const int64_t count = batch.numel(), size = left.rows * right.columns;
  if (out.numel() == 0) return out;
  const int64_t per_chunk = std::max<int64_t>(1, 1'000'000 / std::max<int64_t>(1, size * left.columns));
  parallel_for((count + per_chunk - 1) / per_chunk, [&](int64_t chunk) {
    for (int64_t i = chunk * per_chunk; i < std::min(count, (chunk + 1) * per_chunk); ++i) {
      MatrixRef<T> x = left, y = right;
      x.data += batch_offset(a.layout(), i);
      y.data += batch_offset(b.layout(), i);
      gemm(x, y, c + i * size, right.columns);
    }
  });
  return out;
}

// A matrix whose rows or columns lie in sequence, which is what cuBLAS reads; a copy where it is not so.
Tensor readable(const Tensor& x) {
  const int r = x.rank();
  const auto fits = [&](int fast, int slow) {
    const int64_t n = x.shape()[fast], step = x.strides()[slow];
    return (x.strides()[fast] == 1 || n == 1) && (step >= std::max<int64_t>(1, n) || x.shape()[slow] == 1);
  };
  return fits(r - 1, r - 2) || fits(r - 2, r - 1) ? x : copy(x);
}

cuda::Matrix device_matrix(const Tensor& x) {
  const int r = x.rank();
  return {x.raw(), x.shape()[r - 2], x.shape()[r - 1], x.strides()[r - 2], x.strides()[r - 1]};
}

// How far apart the matrices of a batch are, if always as far.
std::optional<int64_t> even_step(const Tensor& x) {
  Layout batch = x.layout();
  for (int i = 0; i < 2; ++i) {
    batch.shape.erase(batch.rank() - 1);
    batch.strides.erase(batch.strides.rank() - 1);
  }
  batch = collapse(batch);
  if (batch.rank() > 1) return {};
  return batch.shape[0] == 1 ? 0 : batch.strides[0];
}

// a b, plus the row `bias` if there is one.
Tensor multiply_on_device(const Tensor& left, const Tensor& right, const Tensor& bias) {
  Tensor a = readable(left), b = readable(right);
  const Shape batch = batch_axes(a.shape());
  const Shape shape = with_batch(batch, {a.size(-2), b.size(-1)});
  Tensor out = bias.defined() ? copy(expand(bias, shape)) : Tensor::empty(shape, a.dtype(), a.device());
  if (out.numel() == 0) return out;
  if (a.size(-1) == 0) return bias.defined() ? out : zeros(shape, a.dtype(), a.device());
  if (!even_step(a)) a = copy(a);
  if (!even_step(b)) b = copy(b);
  backend_of(a).gemm(a.dtype(), device_matrix(a), *even_step(a), device_matrix(b), *even_step(b), out.mutable_raw(),
                     a.size(-2) * b.size(-1), batch.numel(), bias.defined());
  return out;
}

}  // namespace
}  // namespace detail

Tensor MatMul::eval(const Tensor& a, const Tensor& b) const {
  const DType dtype = common_dtype(name, std::array{&a, &b});
  if (device_of(std::array{&a, &b}).is_cuda()) return detail::multiply_on_device(a, b, {});
  if (is_half(dtype)) return cast(eval(widened(a), widened(b)), dtype);
  return dispatch_numeric(dtype, name,
                          [&]<class T>() { return detail::multiply<T>(as_operand(a, dtype), as_operand(b, dtype)); });
}

Tensor AffineMap::eval(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
  const DType dtype = common_dtype(name, std::array{&x, &weight, &bias});
  if (x.device().is_cuda()) return detail::multiply_on_device(x, transpose(weight), bias);
  if (is_half(dtype)) return cast(eval(widened(x), widened(weight), widened(bias)), dtype);
  return dispatch_floating(dtype, name, [&]<class T>() {
    const int64_t rows = x.shape()[0], out = weight.shape()[0];
    Tensor y = Tensor::empty({rows, out}, dtype);
    T* to = y.mutable_data<T>();
    const Tensor b = contiguous(as_operand(bias, dtype));
    gemm(detail::matrix<T>(x), detail::matrix<T>(weight).transposed(), to, out, AddTo<T>{b.data<T>(), 0});
    return y;
  });
}

std::array<Tensor, 3> AffineMap::fused_vjp(Wanted wanted, const Tensor& g, const Tensor& x, const Tensor& weight,
                                           const Tensor&, const Tensor&) const {
  std::array<Tensor, 3> out;
  if (wanted[0]) out[0] = MatMul{}.eval(g, weight);
  if (wanted[1]) out[1] = MatMul{}.eval(transpose(g), x);
  if (wanted[2]) out[2] = sum(g, 0);
  return out;
}

}  // namespace pf
