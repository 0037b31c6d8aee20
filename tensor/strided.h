#pragma once
// Copying elements between a strided layout and a plain row, shared by everything that needs rows in memory.

#include "tensor/tensor.h"

namespace pf {

/// Axes of size 1 dropped, neighbouring axes that form one run merged; what the loops below walk over. At least one axis.
Layout collapse(const Layout& layout);

/// Walks a collapsed layout in row-major order, from any position, without division per element.
class StridedCursor {
 public:
  StridedCursor(const Layout& collapsed, int64_t position);
  /// Copies the next `n` elements of `element_size` bytes from `base` (address of the storage's element 0) to `out`.
  void read(const std::byte* base, int64_t element_size, int64_t n, void* out);

 private:
  const Layout& layout_;
  std::array<int64_t, max_rank> index_{};
  int64_t at_;
};

/// Element i of x to element i of `to`, a part of `out`'s memory with the shape of x; its offset counts from the first element
/// of `out`, which nobody else may hold.
void assign_strided(const Tensor& x, Tensor& out, const Layout& to);

}  // namespace pf
