#pragma once
#include "autograd/apply.h"
#include "nn/module.h"
#include "tensor/random.h"

namespace pf {

/// Each element becomes zero with probability `rate`; the others grow by 1 / (1 - rate), so that the mean stays. The
/// mask comes from the generator's counter: a generator in the same state gives the same mask again.
inline Variable dropout(const Variable& x, double rate, Rng& rng) {
  check(rate >= 0 && rate < 1, "dropout: rate ", rate, ": expected 0 or more, and less than 1");
  if (rate == 0) return x;
  const UseDevice on(x.device());
  return x * (rng.bernoulli(1 - rate, x.shape(), x.dtype()) * (1 / (1 - rate)));
}

/// Training is said by passing a generator: layer(x) leaves x alone, layer(x, rng) drops.
struct Dropout {
  double rate = 0.1;
  Variable operator()(const Variable& x) const { return x; }
  Variable operator()(const Variable& x, Rng& rng) const { return dropout(x, rate, rng); }
  static void fields(auto&, auto&&) {}
};

}  // namespace pf
