#include "tensor/gemm.h"

#include <cblas.h>
#include <sys/mman.h>
#include <algorithm>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/shape.h"
#include "tensor/small_gemm.h"

namespace pf {

void detail::hold_blas_to_one_thread() {
  [[maybe_unused]] static const bool once = (openblas_set_num_threads(1), true);
}

namespace {

// Where products are cut for threads. The cuts depend on the sizes alone, so the bits do not depend on how many there are.
constexpr int64_t panel_rows = 128, panel_columns = 256, small_panel_rows = 96;
constexpr double small_work = 2e6;  // multiplications and additions below which one thread does it all

// As BLAS takes it: row-major or its transpose, `lead` elements apart.
template <class T> struct BlasOperand {
  const T* data;
  CBLAS_TRANSPOSE transpose;
  int64_t lead;
  std::vector<T> copied;
};

template <class T> BlasOperand<T> blas_operand(const MatrixRef<T>& m) {
  if ((m.column == 1 || m.columns == 1) && (m.row >= std::max<int64_t>(m.columns, 1) || m.rows == 1))
    return {m.data, CblasNoTrans, std::max(m.row, m.columns), {}};
  if ((m.row == 1 || m.rows == 1) && (m.column >= std::max<int64_t>(m.rows, 1) || m.columns == 1))
    return {m.data, CblasTrans, std::max(m.column, m.rows), {}};
  std::vector<T> copied(static_cast<size_t>(m.rows * m.columns));
  for (int64_t i = 0; i < m.rows; ++i)
    for (int64_t j = 0; j < m.columns; ++j) copied[size_t(i * m.columns + j)] = m.data[i * m.row + j * m.column];
  const T* data = copied.data();
  return {data, CblasNoTrans, m.columns, std::move(copied)};
}

void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
          const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, int(m), int(n), int(k), 1, a, int(lda), b, int(ldb), beta, c, int(ldc));
}
void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int64_t m, int64_t n, int64_t k, const double* a, int64_t lda,
          const double* b, int64_t ldb, double beta, double* c, int64_t ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, int(m), int(n), int(k), 1, a, int(lda), b, int(ldb), beta, c, int(ldc));
}

// What the product is added to, put where the product goes.
template <class T> void place_start(int64_t rows, int64_t columns, T* c, int64_t stride, AddTo<T> add) {
  for (int64_t i = 0; i < rows; ++i) {
    if (!add.data) std::fill_n(c + i * stride, columns, T(0));
    else if (add.data != c) std::copy_n(add.data + i * add.row, columns, c + i * stride);
  }
}

/// OpenBLAS takes this much address space for each thread that multiplies, and where it is not to be had asks again for ever.
void require_blas_memory() {
  thread_local bool had = false;
  if (had) return;
  constexpr size_t bytes = size_t(128) << 20;
  void* probe = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(probe != MAP_FAILED,
        "out of memory: matrix products take 128 MiB of address space for each thread, and there is no room; raise the "
        "limit "
        "(ulimit -v) or use fewer threads");
  ::munmap(probe, bytes);
  had = true;
}

template <class T> void gemm_blas(const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t stride, AddTo<T> add) {
  detail::hold_blas_to_one_thread();
  const int64_t m = a.rows, n = b.columns, k = a.columns;
  check(std::max({m, n, k, a.row, a.column, b.row, b.column, stride}) < INT32_MAX, "matmul: a product [", m, ", ", k,
        "] × [", k, ", ", n, "] has a size or stride beyond 2³¹; split it");
  if (add.data) place_start(m, n, c, stride, add);
  const BlasOperand<T> left = blas_operand(a), right = blas_operand(b);
  auto part = [&](int64_t i, int64_t rows, int64_t j, int64_t columns) {
    require_blas_memory();
    blas(left.transpose, right.transpose, rows, columns, k,
         left.data + i * (left.transpose == CblasNoTrans ? left.lead : 1), left.lead,
         right.data + j * (right.transpose == CblasNoTrans ? 1 : right.lead), right.lead, add.data ? T(1) : T(0),
         c + i * stride + j, stride);
  };
  if (2.0 * double(m) * double(n) * double(k) <= small_work || (m <= panel_rows && n <= panel_columns)) {
    part(0, m, 0, n);
  } else if (m > panel_rows) {
    parallel_for((m + panel_rows - 1) / panel_rows,
                 [&](int64_t p) { part(p * panel_rows, std::min(panel_rows, m - p * panel_rows), 0, n); });
  } else {
    parallel_for((n + panel_columns - 1) / panel_columns,
                 [&](int64_t p) { part(0, m, p * panel_columns, std::min(panel_columns, n - p * panel_columns)); });
  }
}

template <class T> void gemm_small(const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t stride, AddTo<T> add) {
  const double work = 2.0 * double(a.rows) * double(b.columns) * double(a.columns);
  constexpr int64_t rows = small_panel_rows;
  const int64_t panels = work <= small_work ? 1 : std::max<int64_t>(1, a.rows / rows);
  parallel_for(panels, [&](int64_t p) {
    const int64_t first = p * rows;
    MatrixRef<T> part = a;
    part.data += first * a.row;
    part.rows = p + 1 < panels ? rows : a.rows - first;
    small_gemm(part, b, c + first * stride, stride, AddTo<T>{add.data ? add.data + first * add.row : nullptr, add.row});
  });
}

void gemm_plain(const MatrixRef<int64_t>& a, const MatrixRef<int64_t>& b, int64_t* c, int64_t stride) {
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t p = 0; p < a.columns; ++p) {
      const int64_t left = a.data[i * a.row + p * a.column];
      for (int64_t j = 0; j < b.columns; ++j) c[i * stride + j] += left * b.data[p * b.row + j * b.column];
    }
}

}  // namespace

template <class T> void gemm(const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t stride, AddTo<T> add) {
  if (a.rows == 0 || b.columns == 0) return;
  if constexpr (std::is_same_v<T, int64_t>) {
    place_start(a.rows, b.columns, c, stride, add);
    gemm_plain(a, b, c, stride);
  } else {
    if (a.columns == 0) place_start(a.rows, b.columns, c, stride, add);
    else if (is_small_gemm(a.rows, a.columns, b.columns)) gemm_small(a, b, c, stride, add);
    else gemm_blas(a, b, c, stride, add);
  }
}
template void gemm(const MatrixRef<float>&, const MatrixRef<float>&, float*, int64_t, AddTo<float>);
template void gemm(const MatrixRef<double>&, const MatrixRef<double>&, double*, int64_t, AddTo<double>);
template void gemm(const MatrixRef<int64_t>&, const MatrixRef<int64_t>&, int64_t*, int64_t, AddTo<int64_t>);

}  // namespace pf
