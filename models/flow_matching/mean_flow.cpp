#include "models/flow_matching/mean_flow.h"

#include "autograd/functional.h"
#include "models/assignment.h"
#include "models/inversion.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/where.h"

namespace pf {
MeanFlow::MeanFlow(int64_t width, int64_t hidden, int64_t depth, Rng& rng)
    : base_(width), net_(mlp_widths(width + 2, hidden, depth, width), rng) {}

Variable MeanFlow::jump(const Variable& z, double until) const {
  const Tensor zero = zeros({z.size(0), 1}, z.dtype());
  return z + net_(concat(std::vector{z, Variable(zero), Variable(zero + until)}, 1)) * until;
}

Variable MeanFlow::push(const Variable& z, const Tensor& context) const {
  check_rows("flow-matching push", z.shape(), width());
  return jump(z, 1);
}

Tensor MeanFlow::encode(const Tensor& x, const Tensor& context) const {
  check_rows("flow-matching encode", x.shape(), width());
  return invert_by_optimisation(*this, x).z;
}

std::vector<Tensor> MeanFlow::path(const Tensor& z, const Tensor& context) const {
  constexpr int steps = 16;
  std::vector<Tensor> positions{z};
  for (int i = 1; i <= steps; ++i) positions.push_back(jump(Variable(z), double(i) / steps).value());
  return positions;
}

Variable MeanVelocityMatching::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  Tensor x0 = rng.normal(batch.shape(), batch.dtype());
  x0 = index_select(x0, 0, optimal_pairing(batch, x0));  // straighter ways: less that an average has to hide
  const Tensor v = batch - x0;
  const Tensor a = rng.uniform({n, 1}, batch.dtype()), b = rng.uniform({n, 1}, batch.dtype());
  const Tensor apart = rng.uniform({n, 1}, batch.dtype()) < different_;
  const Tensor s = where(apart, minimum(a, b), a), span = where(apart, maximum(a, b), a) - s;
  const Tensor rows = concat(std::vector<Tensor>{x0 + s * v, s, span}, 1);
  // Along the flow x moves with v, s with 1, and e − s shrinks as fast.
  const Tensor along =
      concat(std::vector<Tensor>{v, ones({n, 1}, batch.dtype()), full({n, 1}, -1.0, batch.dtype())}, 1);
  const auto change = jvp([this](const Variable& r) { return model_.velocity(r); }, rows, along);
  const Variable error = model_.velocity(Variable(rows)) - Variable(v + span * change.tangent);
  const Variable square_error = sum(square(error), -1);
  return mean(square_error * Variable(pow(square_error.value() + 1e-3, -power_)));
}

}  // namespace pf
