#include "models/flow_matching/pairing.h"

#include <cmath>

#include "models/assignment.h"
#include "models/entropic_pairing.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"

namespace pf {
namespace {

/// x with the context beside it, in units in which another class, or a tenth of a column's deviation, is as far as noise
/// from a point.
Tensor apart(const Tensor& x, const Tensor& context) {
  if (!context.defined() || context.size(0) == 1) return x;
  const double unit = 10 * std::sqrt(double(x.size(1)));
  return concat(std::vector<Tensor>{x, cast(context, x.dtype()) * unit}, 1);
}

}  // namespace

Tensor paired(Pairing pairing, const Tensor& x0, const Tensor& x1, const Tensor& context, double sigma, Rng& rng) {
  if (pairing == Pairing::independent) return x0;
  const Tensor to = apart(x1, context), from = apart(x0, context);
  return index_select(
      x0, 0,
      pairing == Pairing::optimal ? optimal_pairing(to, from) : entropic_pairing(to, from, 2 * sigma * sigma, rng));
}

Tensor paired_noise(Pairing pairing, const Tensor& x1, const Tensor& context, double sigma, Rng& rng) {
  return paired(pairing, rng.normal(x1.shape(), x1.dtype()), x1, context, sigma, rng);
}

}  // namespace pf
