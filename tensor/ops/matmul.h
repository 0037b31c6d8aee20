#pragma once
// Matrix products. Operands are read where they lie: transposed, sliced or repeated ones are not copied.

#include "tensor/ops/reduce.h"

namespace pf {

/// The product of matrices, or of two equally long lists of them.  [batch…, m, k] × [batch…, k, n] → [batch…, m, n]
struct MatMul {
  static constexpr auto name = "matmul";
  static constexpr bool any_type = true;  // on a GPU they are multiplied as they are
  static constexpr bool bilinear = true;
  Tensor eval(const Tensor& a, const Tensor& b) const;
  template <Array A> std::array<A, 2> vjp(Wanted wanted, const A& g, const A& a, const A& b, const A&) const {
    std::array<A, 2> out;
    if (wanted[0]) out[0] = matmul(g, transpose(b));
    if (wanted[1]) out[1] = matmul(transpose(a), g);
    return out;
  }
};

/// x Wᵀ + bias in one go.  x: [rows, in], weight: [out, in], bias: [out]  →  [rows, out]
struct AffineMap {
  static constexpr auto name = "linear";
  static constexpr bool any_type = true;  // on a GPU they are multiplied as they are
  Tensor eval(const Tensor& x, const Tensor& weight, const Tensor& bias) const;
  template <Array A> A composite(const A& x, const A& weight, const A& bias) const {
    return matmul(x, transpose(weight)) + bias;
  }
  std::array<Tensor, 3> fused_vjp(Wanted wanted, const Tensor& g, const Tensor& x, const Tensor& weight,
                                  const Tensor& bias, const Tensor& y) const;
};

namespace detail {
/// Throws the sentence for operands that cannot be multiplied.
void check_matmul(const Shape& a, const Shape& b);
void check_linear(const Shape& x, const Shape& weight);
/// All axes but the last `matrix` ones.
Shape batch_axes(const Shape& shape, int matrix = 2);
/// batch axes, then the given ones.
Shape with_batch(Shape batch, std::initializer_list<int64_t> rest);
}  // namespace detail

/// The matrix product over the last two axes; earlier axes are a batch and broadcast. A 1-d operand is a row on the left,
/// a column on the right.
template <Array A> A matmul(const A& a, const A& b) {
  detail::check_matmul(a.shape(), b.shape());
  if (a.rank() == 1) return squeeze(matmul(unsqueeze(a, 0), b), b.rank() == 1 ? -1 : -2);
  if (b.rank() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  if (a.rank() == 2 && b.rank() == 2) return apply(MatMul{}, a, b);
  const Shape batch_a = detail::batch_axes(a.shape()), batch_b = detail::batch_axes(b.shape());
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  if (b.rank() == 2)  // one product with the batch as further rows
    return reshape(matmul(reshape(a, {batch_a.numel() * m, k}), b), detail::with_batch(batch_a, {m, n}));
  const Shape batch = broadcast(batch_a, batch_b, "matmul");
  return apply(MatMul{}, expand(a, detail::with_batch(batch, {m, k})), expand(b, detail::with_batch(batch, {k, n})));
}
template <Array A, Array B>
requires(!std::same_as<A, B>) auto matmul(const A& a, const B& b) {
  using C = CommonArray<A, B>;
  return matmul<C>(detail::array_as<C>(a), detail::array_as<C>(b));
}

/// y = x Wᵀ + b.  x: [..., in], weight: [out, in], bias: [out] or undefined  →  [..., out]
template <Array A> A linear(const A& x, const A& weight, const A& bias) {
  if (!bias.defined()) return linear(x, weight);
  detail::check_linear(x.shape(), weight.shape());
  check(bias.shape() == Shape{weight.shape()[0]}, "linear: weight ", weight.shape(), " and bias ", bias.shape(),
        ": expected a bias [", weight.shape()[0], "]");
  if (x.rank() == 2) return apply(AffineMap{}, x, weight, bias);
  const Shape batch = detail::batch_axes(x.shape(), 1);
  const A y = apply(AffineMap{}, reshape(x, {batch.numel(), x.size(-1)}), weight, bias);
  return reshape(y, detail::with_batch(batch, {weight.shape()[0]}));
}

template <Array X, Array W, Array B>
requires(!std::same_as<X, W> || !std::same_as<W, B>) auto linear(const X& x, const W& weight, const B& bias) {
  using C = CommonArray<X, W, B>;
  return linear<C>(detail::array_as<C>(x), detail::array_as<C>(weight), detail::array_as<C>(bias));
}
/// y = x Wᵀ
template <Array X, Array W> auto linear(const X& x, const W& weight) {
  detail::check_linear(x.shape(), weight.shape());
  return matmul(x, transpose(weight));
}

}  // namespace pf
