#include "models/entropic_pairing.h"

#include <algorithm>
#include <cmath>

#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/sort.h"

namespace pf {

Tensor log_entropic_plan(const Tensor& x, const Tensor& y, double epsilon, int64_t iterations, double tolerance) {
  check(epsilon > 0, "entropic plan: epsilon ", epsilon, ": expected above 0");
  check(x.rank() == 2 && y.rank() == 2 && x.size(1) == y.size(1) && x.size(0) > 0 && y.size(0) > 0,
        "entropic plan: ", x.shape(), " and ", y.shape(), ": expected two samples [n, d] and [m, d] of one width");
  const double log_n = std::log(double(x.size(0))), log_m = std::log(double(y.size(0)));
  const Tensor cost = sum(square(x), -1, true) + transpose(sum(square(y), -1, true)) - matmul(x, transpose(y)) * 2.0;
  const Tensor kernel = cost * (-1 / epsilon);
  Tensor f = zeros({x.size(0), 1}, x.dtype()), g = zeros({1, y.size(0)}, x.dtype());
  for (int64_t i = 0; i < iterations; ++i) {
    const Tensor next = -logsumexp(kernel + g, 1, true) - log_n;
    // After the columns were set right, the rows are off by as much as f is about to move.
    const double off = max(abs(exp(next - f) - 1.0)).item();
    f = next;
    g = -logsumexp(kernel + f, 0, true) - log_m;
    if (i > 0 && off < tolerance) break;
  }
  return kernel + f + g;
}

Tensor entropic_pairing(const Tensor& x, const Tensor& y, double epsilon, Rng& rng) {
  const Tensor plan = softmax(log_entropic_plan(x, y, epsilon), -1);
  const Tensor until = cumsum(plan, -1);
  // A part of the last sum, not of 1, so that rounding cannot lead beyond the last column.
  const Tensor at = rng.uniform({x.size(0), 1}, x.dtype()) * slice(until, 1, -1);
  return reshape(searchsorted(until, at), {x.size(0)});
}

}  // namespace pf
