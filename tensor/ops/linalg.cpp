#include "tensor/ops/linalg.h"

#include <cblas.h>
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/device_pass.h"
#include "tensor/gemm.h"
#include "tensor/parallel.h"
#include "tensor/pointwise.h"

namespace pf {
namespace detail {

void check_square(const Shape& a, const char* op) {
  check(a.rank() >= 2 && a[a.rank() - 1] == a[a.rank() - 2], op, ": ", a, ": expected square matrices [..., n, n]");
}

namespace {

// Which matrix of a batch, for errors.
std::string place(int64_t batch, int64_t count) { return count > 1 ? join(" (matrix ", batch, " of the batch)") : ""; }

// body(i) for every matrix, several of the small ones a task.
template <class Body> void for_matrices(int64_t count, int64_t n, const Body& body) {
  const int64_t per_chunk = std::max<int64_t>(1, 200'000 / std::max<int64_t>(1, n * n * n));
  parallel_for((count + per_chunk - 1) / per_chunk, [&](int64_t c) {
    for (int64_t i = c * per_chunk; i < std::min(count, (c + 1) * per_chunk); ++i) body(i);
  });
}

int64_t count_of(const Tensor& a) { return batch_axes(a.shape()).numel(); }

// target -= factor · source, the inner loop of everything below.
template <class T> void subtract(T* target, const T* source, T factor, int64_t n) {
  for (int64_t k = 0; k < n; ++k) target[k] -= factor * source[k];
}

// Row by row, the symmetric part of `a` into L. Sums in double: pivots decide over success.
template <class T> void cholesky_matrix(const T* a, int64_t n, T* l, const std::string& where) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = 0.5 * (double(a[i * n + j]) + double(a[j * n + i]));
      for (int64_t k = 0; k < j; ++k) sum -= double(l[i * n + k]) * double(l[j * n + k]);
      if (j < i) {
        l[i * n + j] = T(sum / double(l[j * n + j]));
      } else {
        check(sum > 0, "cholesky: pivot ", i, " of ", Shape{n, n}, where, " is ", sum,
              ": expected a positive definite matrix; add a small multiple of the identity?");
        l[i * n + i] = T(std::sqrt(sum));
      }
    }
    std::fill(l + i * n + i + 1, l + (i + 1) * n, T(0));
  }
}

// LU decomposition in place with row exchanges. rows[i] is where row i came from; returns the sign of the exchanges.
template <class T> int decompose(T* a, int64_t n, int64_t* rows) {
  int sign = 1;
  for (int64_t i = 0; i < n; ++i) rows[i] = i;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      std::swap(rows[k], rows[pivot]);
      sign = -sign;
    }
    const T diagonal = a[k * n + k];
    if (diagonal == T(0)) continue;
    for (int64_t i = k + 1; i < n; ++i) {
      const T factor = a[i * n + k] /= diagonal;
      if (factor != T(0)) subtract(a + i * n + k + 1, a + k * n + k + 1, factor, n - k - 1);
    }
  }
  return sign;
}

// x (n rows of `columns`) := a⁻¹ x from the decomposition.
template <class T>
void solve_decomposed(const T* lu, const int64_t* rows, int64_t n, const T* b, int64_t columns, T* x, const char* op,
                      const std::string& where) {
  for (int64_t i = 0; i < n; ++i) {
    std::copy_n(b + rows[i] * columns, columns, x + i * columns);
    for (int64_t k = 0; k < i; ++k) subtract(x + i * columns, x + k * columns, lu[i * n + k], columns);
  }
  for (int64_t i = n - 1; i >= 0; --i) {
    const T diagonal = lu[i * n + i];
    check(diagonal != T(0), op, ": the matrix ", Shape{n, n}, where, " is singular: pivot ", i, " is 0");
    for (int64_t k = i + 1; k < n; ++k) subtract(x + i * columns, x + k * columns, lu[i * n + k], columns);
    for (int64_t c = 0; c < columns; ++c) x[i * columns + c] /= diagonal;
  }
}

template <class T> class Decomposition {
 public:
  Decomposition(const T* a, int64_t n) {
    if (n > small) {
      memory_.resize(size_t(n * n));
      places_.resize(size_t(n));
      lu = memory_.data();
      rows = places_.data();
    }
    std::copy_n(a, n * n, lu);
    sign = decompose(lu, n, rows);
  }
  Decomposition(const Decomposition&) = delete;

 private:
  static constexpr int small = 8;  // matrices up to this size stay on the stack
  T small_memory_[small * small];
  int64_t small_places_[small];
  std::vector<T> memory_;
  std::vector<int64_t> places_;

 public:
  T* lu = small_memory_;
  int64_t* rows = small_places_;
  int sign = 1;
};

// One number for each matrix, from its decomposition.
template <class F> Tensor per_matrix(const Tensor& a, const char* op, cuda::Determinant kind, const F& f) {
  const Tensor from = contiguous(a);
  const int64_t n = a.size(-1);
  Tensor out = Tensor::empty(batch_axes(a.shape()), a.dtype(), a.device());
  dispatch_floating(a.dtype(), op, [&]<class T>() {
    if (a.device().is_cuda())
      return backend_of(a).determinant(kind, a.dtype(), from.raw(), out.numel(), n, out.mutable_raw());
    T* to = out.mutable_data<T>();
    for_matrices(out.numel(), n, [&](int64_t i) {
      const Decomposition<T> d(from.data<T>() + i * n * n, n);
      to[i] = T(f(d.lu, n, d.sign));
    });
  });
  return out;
}

void trsm(CBLAS_UPLO triangle, CBLAS_TRANSPOSE transpose, int n, int columns, const float* a, float* x) {
  cblas_strsm(CblasRowMajor, CblasLeft, triangle, transpose, CblasNonUnit, n, columns, 1, a, n, x, columns);
}
void trsm(CBLAS_UPLO triangle, CBLAS_TRANSPOSE transpose, int n, int columns, const double* a, double* x) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, triangle, transpose, CblasNonUnit, n, columns, 1, a, n, x, columns);
}

}  // namespace
}  // namespace detail

Tensor Cholesky::eval(const Tensor& a) const {
  const Tensor from = contiguous(a);
  const int64_t n = a.size(-1), count = detail::count_of(a);
  Tensor out = Tensor::empty(a.shape(), a.dtype(), a.device());
  dispatch_floating(a.dtype(), name, [&]<class T>() {
    if (a.device().is_cuda()) return backend_of(a).cholesky(a.dtype(), from.raw(), count, n, out.mutable_raw());
    T* to = out.mutable_data<T>();
    detail::for_matrices(count, n, [&](int64_t i) {
      detail::cholesky_matrix(from.data<T>() + i * n * n, n, to + i * n * n, detail::place(i, count));
    });
  });
  return out;
}

Tensor SolveTriangular::eval(const Tensor& a, const Tensor& b) const {
  const DType dtype = common_dtype(name, std::array{&a, &b});
  const Device device = device_of(std::array{&a, &b});
  const Tensor matrix = contiguous(to_device(as_operand(a, dtype), device));
  const int64_t n = a.size(-1), columns = b.size(-1), count = detail::count_of(a);
  Tensor out = copy(to_device(as_operand(b, dtype), device));
  if (out.numel() == 0) return out;
  if (device.is_cuda()) {
    dispatch_floating(dtype, name, [&]<class T>() {
      backend_of(device).solve_triangular(dtype, matrix.raw(), count, n, columns, kind.upper, kind.transposed,
                                          out.mutable_raw());
    });
    return out;
  }
  detail::hold_blas_to_one_thread();
  dispatch_floating(dtype, name, [&]<class T>() {
    T* to = out.mutable_data<T>();
    detail::for_matrices(count, n, [&](int64_t i) {
      const T* m = matrix.data<T>() + i * n * n;
      for (int64_t k = 0; k < n; ++k)
        check(m[k * n + k] != T(0), name, ": the matrix ", Shape{n, n}, detail::place(i, count),
              " is singular: element ", k, " of its diagonal is 0");
      detail::trsm(kind.upper ? CblasUpper : CblasLower, kind.transposed ? CblasTrans : CblasNoTrans, int(n),
                   int(columns), m, to + i * n * columns);
    });
  });
  return out;
}

Tensor Solve::eval(const Tensor& a, const Tensor& b) const {
  const DType dtype = common_dtype(name, std::array{&a, &b});
  const Device device = device_of(std::array{&a, &b});
  const Tensor matrix = contiguous(to_device(as_operand(a, dtype), device)),
               right = contiguous(to_device(as_operand(b, dtype), device));
  const int64_t n = a.size(-1), columns = b.size(-1), count = detail::count_of(a);
  Tensor out = Tensor::empty(b.shape(), dtype, device);
  dispatch_floating(dtype, name, [&]<class T>() {
    if (device.is_cuda())
      return backend_of(device).solve(dtype, matrix.raw(), right.raw(), count, n, columns, out.mutable_raw());
    T* to = out.mutable_data<T>();
    detail::for_matrices(count, n, [&](int64_t i) {
      const detail::Decomposition<T> d(matrix.data<T>() + i * n * n, n);
      detail::solve_decomposed(d.lu, d.rows, n, right.data<T>() + i * n * columns, columns, to + i * n * columns, name,
                               detail::place(i, count));
    });
  });
  return out;
}

Tensor Inverse::eval(const Tensor& a) const {
  const Tensor matrix = contiguous(a);
  const int64_t n = a.size(-1), count = detail::count_of(a);
  Tensor out = Tensor::empty(a.shape(), a.dtype(), a.device());
  dispatch_floating(a.dtype(), name, [&]<class T>() {
    if (a.device().is_cuda())
      return backend_of(a).solve(a.dtype(), matrix.raw(), nullptr, count, n, n, out.mutable_raw());
    const UseDevice here(Device::cpu());
    const Tensor unit = eye(n, a.dtype());
    T* to = out.mutable_data<T>();
    detail::for_matrices(count, n, [&](int64_t i) {
      const detail::Decomposition<T> d(matrix.data<T>() + i * n * n, n);
      detail::solve_decomposed(d.lu, d.rows, n, unit.data<T>(), n, to + i * n * n, name, detail::place(i, count));
    });
  });
  return out;
}

Tensor LogAbsDet::eval(const Tensor& a) const {
  return detail::per_matrix(a, name, cuda::Determinant::log_abs, [](const auto* lu, int64_t n, int) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::log(std::abs(double(lu[i * n + i])));
    return sum;
  });
}

Tensor Det::eval(const Tensor& a) const {
  return detail::per_matrix(a, name, cuda::Determinant::value, [](const auto* lu, int64_t n, int sign) {
    double product = sign;
    for (int64_t i = 0; i < n; ++i) product *= double(lu[i * n + i]);
    return product;
  });
}

Tensor sign_of_det(const Tensor& a) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([](const Tensor& in) { return sign_of_det(in); }, a);
  if (is_half(a.dtype())) return cast(sign_of_det(widened(a)), a.dtype());
  return detail::per_matrix(a, "slogdet", cuda::Determinant::sign, [](const auto* lu, int64_t n, int sign) {
    double out = sign;
    for (int64_t i = 0; i < n; ++i) out *= lu[i * n + i] > 0 ? 1 : lu[i * n + i] < 0 ? -1 : 0;
    return out;
  });
}

}  // namespace pf
