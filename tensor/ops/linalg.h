#pragma once
// Linear algebra on the last two axes; earlier axes are a batch. The rules are written in differentiable operations, so
// derivatives of any order follow. (Murray 2016, arXiv 1602.07527, for Cholesky; Giles 2008 for the others.)

#include "tensor/ops/matmul.h"
#include "tensor/ops/triangle.h"

namespace pf {

/// Lower triangular L with L Lᵀ = (a + aᵀ) / 2.
struct Cholesky {
  static constexpr auto name = "cholesky";
  Tensor eval(const Tensor& a) const;
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A&, const A& y) const {
    const A inner = matmul(transpose(y), g);
    const A half = (tril(inner) + tril(inner, -1)) * 0.5;  // the diagonal counts half
    const A left = solve_triangular(y, half, {.transposed = true});
    const A both = transpose(solve_triangular(y, transpose(left), {.transposed = true}));
    return {(both + transpose(both)) * 0.5};
  }
};

/// Which system solve_triangular solves.
struct Triangular {
  bool upper = false;       // the matrix is upper triangular; the other triangle is not read
  bool transposed = false;  // solve with its transpose
};

struct SolveTriangular {
  static constexpr auto name = "solve_triangular";
  Triangular kind;
  Tensor eval(const Tensor& a, const Tensor& b) const;
  template <Array A> std::array<A, 2> vjp(Wanted wanted, const A& g, const A& a, const A&, const A& y) const {
    std::array<A, 2> out;
    out[1] = solve_triangular(a, g, {kind.upper, !kind.transposed});
    if (wanted[0]) {
      const A full = -(kind.transposed ? matmul(y, transpose(out[1])) : matmul(out[1], transpose(y)));
      out[0] = kind.upper ? triu(full) : tril(full);
    }
    return out;
  }
};

struct Inverse {
  static constexpr auto name = "inverse";
  Tensor eval(const Tensor& a) const;
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A&, const A& y) const {
    const A yt = transpose(y);
    return {-matmul(matmul(yt, g), yt)};
  }
};

struct Solve {
  static constexpr auto name = "solve";
  Tensor eval(const Tensor& a, const Tensor& b) const;
  template <Array A> std::array<A, 2> vjp(Wanted wanted, const A& g, const A& a, const A&, const A& y) const {
    std::array<A, 2> out;
    out[1] = solve(transpose(a), g);
    if (wanted[0]) out[0] = -matmul(out[1], transpose(y));
    return out;
  }
};

/// log|det a|
struct LogAbsDet {
  static constexpr auto name = "log_abs_det";
  Tensor eval(const Tensor& a) const;
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A& a, const A&) const {
    return {unsqueeze(unsqueeze(g, -1), -1) * transpose(inverse(a))};
  }
};

struct Det {
  static constexpr auto name = "det";
  Tensor eval(const Tensor& a) const;
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A& a, const A& y) const {
    return {unsqueeze(unsqueeze(g * y, -1), -1) * transpose(inverse(a))};
  }
};

/// 1, -1 or (for a singular matrix) 0.
Tensor sign_of_det(const Tensor& a);

namespace detail {
/// Throws unless the last two axes are square.
void check_square(const Shape& a, const char* op);
/// Batches of a and b broadcast against each other; b a column if it has one axis.
template <Array A, class F> A with_columns(const A& a, const A& b, const char* op, const F& solver) {
  check_square(a.shape(), op);
  if (b.rank() == 1) return squeeze(with_columns(a, unsqueeze(b, 1), op, solver), -1);
  const int64_t n = a.size(-1);
  check(b.rank() >= 2 && b.size(-2) == n, op, ": matrix ", a.shape(), " and right-hand side ", b.shape(), ": expected ",
        n, " rows on the right");
  const Shape batch = broadcast(batch_axes(a.shape()), batch_axes(b.shape()), op);
  return solver(expand(a, with_batch(batch, {n, n})), expand(b, with_batch(batch, {n, b.size(-1)})));
}
}  // namespace detail

/// The lower triangular L with L Lᵀ = a, for symmetric positive definite a (of which the symmetric part is taken).
template <Array A> A cholesky(const A& a) {
  detail::check_square(a.shape(), "cholesky");
  return apply(Cholesky{}, a);
}
/// x with a x = b for a triangular matrix: solve_triangular(u, b, {.upper = true}).  b: [..., n, k] or [n].
template <Array A> A solve_triangular(const A& a, const A& b, Triangular kind = {}) {
  return detail::with_columns(a, b, "solve_triangular",
                              [&](const A& m, const A& columns) { return apply(SolveTriangular{kind}, m, columns); });
}
/// x with a x = b, by LU decomposition with row exchanges.  b: [..., n, k] or [n].
template <Array A> A solve(const A& a, const A& b) {
  return detail::with_columns(a, b, "solve", [](const A& m, const A& columns) { return apply(Solve{}, m, columns); });
}
template <Array A> A inverse(const A& a) {
  detail::check_square(a.shape(), "inverse");
  return apply(Inverse{}, a);
}
template <Array A> A det(const A& a) {
  detail::check_square(a.shape(), "det");
  return apply(Det{}, a);
}

/// The determinant as sign · exp(log_abs), which neither overflows nor underflows. Only log_abs has a derivative.
template <Array A> struct SignAndLogDet {
  Tensor sign;
  A log_abs;
};
/// auto [sign, log_abs] = slogdet(a);  a singular matrix gives 0 and -∞.
template <Array A> SignAndLogDet<A> slogdet(const A& a) {
  detail::check_square(a.shape(), "slogdet");
  return {sign_of_det(value_of(a)), apply(LogAbsDet{}, a)};
}

}  // namespace pf
