#pragma once
// Diagonals and triangles of the last two axes.

#include "tensor/ops/reduce.h"

namespace pf {

struct Diagonal {
  static constexpr auto name = "diagonal";
  int64_t offset = 0;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape& x) const;
};

/// Zeros of the given shape with x on a diagonal: the adjoint of diagonal.
struct EmbedDiagonal {
  static constexpr auto name = "embed_diagonal";
  Shape shape;
  int64_t offset = 0;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape&) const { return diagonal(g, offset); }
};
template <Array A> A Diagonal::adjoint(const A& g, const Shape& x) const { return apply(EmbedDiagonal{x, offset}, g); }

/// The elements on one side of a diagonal (and on it); zeros elsewhere.
struct Triangle {
  static constexpr auto name = "triangle";
  bool lower = true;
  int64_t offset = 0;
  Tensor eval(const Tensor& x) const;
  template <Array A> A adjoint(const A& g, const Shape&) const { return apply(*this, g); }
};

/// The diagonal of each matrix, `offset` places to the right of the main one (to the left where negative).
template <Array A> A diagonal(const A& x, int64_t offset = 0) { return apply(Diagonal{offset}, x); }
/// Matrices with the given elements on the diagonal and zeros elsewhere.  [..., n] → [..., n, n]
template <Array A> A diag_embed(const A& x) {
  check(x.rank() >= 1, "diag_embed: a number: expected at least one axis");
  Shape shape = x.shape();
  shape.push_back(shape.back());
  return apply(EmbedDiagonal{shape}, x);
}
/// The lower triangle; zeros above the diagonal (above the `offset`-th one to the right of it).
template <Array A> A tril(const A& x, int64_t offset = 0) { return apply(Triangle{true, offset}, x); }
/// The upper triangle; zeros below the diagonal (below the `offset`-th one to the right of it).
template <Array A> A triu(const A& x, int64_t offset = 0) { return apply(Triangle{false, offset}, x); }
/// The sum of the diagonal of each matrix.
template <Array A> A trace(const A& x) { return sum(diagonal(x), -1); }

}  // namespace pf
