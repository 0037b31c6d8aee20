#include "tensor/ops/triangle.h"

#include <algorithm>
#include <cstring>

#include "tensor/ops/arithmetic.h"
#include "tensor/ops/where.h"
#include "tensor/strided.h"

namespace pf {
namespace {

// The diagonal as a view of a matrix.
Layout diagonal_of(const Layout& x, int64_t offset, const char* op) {
  check(x.rank() >= 2, op, ": ", x.shape, " is not a matrix: expected at least two axes");
  const int r = x.rank();
  const int64_t rows = x.shape[r - 2], columns = x.shape[r - 1];
  const int64_t down = std::max<int64_t>(0, -offset), right = std::max<int64_t>(0, offset);
  Layout out = x;
  const int64_t n = std::clamp<int64_t>(std::min(rows - down, columns - right), 0, INT64_MAX);
  if (n > 0) out.offset += down * x.strides[r - 2] + right * x.strides[r - 1];
  out.shape[r - 2] = n;
  out.strides[r - 2] = x.strides[r - 2] + x.strides[r - 1];
  out.shape.erase(r - 1);
  out.strides.erase(r - 1);
  return out;
}

// Where rows and columns say so: whole-array operations, which run anywhere.
Tensor triangle_on_device(const Tensor& x, bool lower, int64_t offset) {
  const UseDevice on(x.device());
  const Tensor row = reshape(arange(0, double(x.size(-2)), 1, int64), {x.size(-2), 1});
  const Tensor column = arange(0, double(x.size(-1)), 1, int64);
  const Tensor distance = column - row;
  const Tensor kept = lower ? less_equal(distance, double(offset)) : greater_equal(distance, double(offset));
  return where(expand(kept, x.shape()), x, 0.0);
}

}  // namespace

Tensor Diagonal::eval(const Tensor& x) const { return x.view(diagonal_of(x.layout(), offset, name)); }

Tensor EmbedDiagonal::eval(const Tensor& x) const {
  Tensor out = zeros(shape, x.dtype(), x.device());
  assign_strided(x, out, diagonal_of(out.layout(), offset, name));
  return out;
}

Tensor Triangle::eval(const Tensor& x) const {
  const char* op = lower ? "tril" : "triu";
  check(x.rank() >= 2, op, ": ", x.shape(), " is not a matrix: expected at least two axes");
  if (x.device().is_cuda()) return triangle_on_device(x, lower, offset);
  Tensor out = copy(x);
  const int64_t rows = x.size(-2), columns = x.size(-1), size = size_of(x.dtype());
  auto* row = static_cast<std::byte*>(out.mutable_raw());
  for (int64_t i = 0; columns > 0 && i < x.numel() / columns; ++i, row += columns * size) {
    // Zeros right of (lower), or left of, this column.
    const int64_t edge = std::clamp<int64_t>(i % rows + offset + (lower ? 1 : 0), 0, columns);
    if (lower) std::memset(row + edge * size, 0, size_t((columns - edge) * size));
    else std::memset(row, 0, size_t(edge * size));
  }
  return out;
}

}  // namespace pf
