#pragma once
// Products of small and narrow matrices, which is what small networks consist of: where a BLAS spends more time on
// arranging its operands than on multiplying them. Measured against OpenBLAS in bench/.

#include "tensor/gemm.h"

namespace pf {

/// Whether these loops are the better choice for m × k times k × n.
inline bool is_small_gemm(int64_t m, int64_t k, int64_t n) {
  return (k <= 128 && n <= 128) || double(m) * double(k) * double(n) <= 128 * 128 * 128;
}

/// c = add + a b, on the calling thread. Any strides; float and double.
template <class T> void small_gemm(const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t stride, AddTo<T> add);

}  // namespace pf
