#include "tensor/ops/views.h"

#include <cstring>

#include "tensor/strided.h"

namespace pf {

Tensor Reshape::eval(const Tensor& x) const {
  if (auto layout = x.layout().reshape(shape)) return x.view(*layout);
  Tensor out = copy(x);
  return out.view(Layout::contiguous(resolve_reshape(x.shape(), shape)));
}

Tensor Embed::eval(const Tensor& x) const {
  const Layout where = Layout::contiguous(shape).slice(axis, start, stop, step);
  check(x.shape() == where.shape, "embed: ", x.shape(), " into a part ", where.shape, " of ", shape);
  Tensor out = zeros(shape, x.dtype(), x.device());
  assign_strided(x, out, where);
  return x.is_literal() ? Tensor::literal(std::move(out)) : out;
}

}  // namespace pf
