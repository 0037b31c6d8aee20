#include "models/context.h"

#include "autograd/apply.h"
#include "tensor/ops/join.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/views.h"

namespace pf {

Tensor context_rows(const char* who, const Tensor& context, int64_t n, int64_t width, DType dtype) {
  if (width == 0) {
    check(!context.defined(), who, ": a condition was given, but the model was trained without one");
    return {};
  }
  check(context.defined(), who, ": the model is conditional: it needs a condition of ", width,
        " numbers for each point");
  check(context.rank() == 2 && context.size(1) == width && (context.size(0) == n || context.size(0) == 1), who,
        ": a condition of shape ", context.shape(), " for ", n, " points: expected [", n, ", ", width, "] or [1, ",
        width, "]");
  const Tensor rows = cast(context, dtype);
  return context.size(0) == n ? rows : expand(rows, {n, width});
}

Variable with_context(const char* who, const Variable& x, const Tensor& context, int64_t width) {
  const Tensor rows = context_rows(who, context, x.size(0), width, x.dtype());
  return width == 0 ? x : concat({x, Variable(rows)}, 1);
}

}  // namespace pf
