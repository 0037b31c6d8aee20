#include "models/flow_matching/shortcut.h"

#include <cmath>

#include "tensor/ops/comparison.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/where.h"

namespace pf {

Variable ShortcutMatching::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  constexpr double doublings = 7;                                     // from the shortest jump to 1
  const int64_t n = batch.size(0), m = int64_t(double(n) * halves_);  // the first m rows learn from halves
  const DType type = batch.dtype();
  const Guidance& guidance = model_.guidance();
  const Tensor x0 = paired_noise(pairing_, batch, context, 0, rng);
  const Tensor v = batch - x0, given = guidance.training_rows("flow-matching loss", context, n, type, rng);
  // Jumps start at multiples of their length; velocities are learned anywhere.
  const Tensor place = rng.uniform({n, 1}, type), level = floor(rng.uniform({m, 1}, type) * doublings);
  const Tensor d = exp((level - doublings) * std::log(2.0)), whole = d * 2.0;
  const Tensor s = concat(std::vector<Tensor>{floor(slice(place, 0, 0, m) / whole) * whole, slice(place, 0, m, n)}, 0);
  const Tensor span = concat(std::vector<Tensor>{whole, zeros({n - m, 1}, type)}, 0);
  const Tensor x = x0 + s * v;

  const Tensor shortest = level < 0.5, conditions = given.defined() ? slice(given, 0, 0, m) : given;
  auto u = [&](const Tensor& at, const Tensor& time, const Tensor& length) {
    const Tensor short_or_none = where(shortest, zeros_like(length), length);
    const Tensor with = model_.velocity(at, time, short_or_none, conditions).value();
    if (guidance.weight == 0) return with;
    const Tensor without = model_.velocity(at, time, short_or_none, guidance.null_rows(m, type)).value();
    return where(shortest, guidance.mix(with, without).value(), with);
  };
  const Tensor jumps = two_jumps(u, slice(x, 0, 0, m), slice(s, 0, 0, m), d);
  const Tensor target = concat(std::vector<Tensor>{jumps, slice(v, 0, m, n)}, 0);
  return sum(square(model_.velocity(x, s, span, given) - Variable(target))) / double(n);
}

}  // namespace pf
