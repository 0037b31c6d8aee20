#pragma once
// One matrix product, on plain memory: what matmul, linear and everything else that multiplies matrices call.

#include <cstdint>

namespace pf {

/// A matrix in memory: element (i, j) is data[i * row + j * column].
template <class T> struct MatrixRef {
  const T* data;
  int64_t rows, columns;
  int64_t row, column;  // strides, in elements
  MatrixRef transposed() const { return {data, columns, rows, column, row}; }
};

/// What a product is added to: nothing, one row for all rows (stride 0), or a matrix, which may be the result itself.
template <class T> struct AddTo {
  const T* data = nullptr;
  int64_t row = 0;  // stride
};

/// c = add + a b; c is row-major with `stride` elements from row to row. Transposed and row-strided operands are read
/// where they lie. Large products run on several threads; the bits do not depend on how many.
template <class T> void gemm(const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t stride, AddTo<T> add = {});

namespace detail {
/// OpenBLAS starts no threads of its own from now on: ours are above it. Call before using it directly.
void hold_blas_to_one_thread();
}  // namespace detail

}  // namespace pf
