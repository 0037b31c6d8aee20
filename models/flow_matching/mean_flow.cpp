#include "models/flow_matching/mean_flow.h"

#include "autograd/functional.h"
#include "models/inversion.h"
#include "models/loss_by_level.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/where.h"

namespace pf {
namespace {

/// The columns side by side; those that are undefined are left out.
template <Array A> A beside(std::initializer_list<A> columns) {
  std::vector<A> there;
  for (const A& column : columns)
    if (column.defined()) there.push_back(column);
  return concat(there, 1);
}

}  // namespace

MeanFlow::MeanFlow(int64_t width, int64_t hidden, int64_t depth, Rng& rng, const Guidance& guidance, int64_t jumps)
    : guidance_(guidance),
      jumps_(jumps),
      base_(width),
      net_(mlp_widths(width + 2 + guidance.inputs(), hidden, depth, width), rng) {
  check(jumps >= 1, "mean flow: ", jumps, " jumps: expected at least 1");
}

Variable MeanFlow::velocity(const Variable& x, const Tensor& time, const Tensor& span, const Tensor& given) const {
  return net_(beside({x, Variable(time), Variable(span), given.defined() ? Variable(given) : Variable()}));
}

Variable MeanFlow::jump(const Variable& x, double from, double until, const Tensor& given) const {
  const Tensor zero = zeros({x.size(0), 1}, x.dtype());
  return x + velocity(x, zero + from, zero + (until - from), given) * (until - from);
}

Variable MeanFlow::push(const Variable& z, const Tensor& context) const {
  check_rows("flow-matching push", z.shape(), width());
  const Tensor given = guidance_.rows("flow-matching push", context, z.size(0), z.dtype());
  Variable x = z;
  for (int64_t i = 0; i < jumps_; ++i) x = jump(x, double(i) / double(jumps_), double(i + 1) / double(jumps_), given);
  return x;
}

Tensor MeanFlow::encode(const Tensor& x, const Tensor& context) const {
  check_rows("flow-matching encode", x.shape(), width());
  return invert_by_optimisation(*this, x, {}, context).z;
}

std::vector<Tensor> MeanFlow::path(const Tensor& z, const Tensor& context) const {
  check_rows("flow-matching path", z.shape(), width());
  const Tensor given = guidance_.rows("flow-matching path", context, z.size(0), z.dtype());
  const int64_t steps = jumps_ == 1 ? 16 : jumps_;
  std::vector<Tensor> positions{z};
  for (int64_t i = 1; i <= steps; ++i) {
    const bool whole = jumps_ == 1;
    const Tensor& start = whole ? z : positions.back();
    positions.push_back(
        jump(Variable(start), whole ? 0 : double(i - 1) / double(steps), double(i) / double(steps), given).value());
  }
  return positions;
}

Variable MeanVelocityMatching::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  const Tensor x0 = paired_noise(pairing_, batch, context, 0, rng);
  Tensor v = batch - x0;
  const Tensor a = rng.uniform({n, 1}, batch.dtype()), b = rng.uniform({n, 1}, batch.dtype());
  const Tensor apart = rng.uniform({n, 1}, batch.dtype()) < different_;
  const Tensor s = where(apart, minimum(a, b), a), span = where(apart, maximum(a, b), a) - s;
  const Guidance& guidance = model_.guidance();
  const Tensor given = guidance.training_rows("flow-matching loss", context, n, batch.dtype(), rng);
  const Tensor xs = x0 + s * v;
  if (guidance.weight != 0) {
    const Variable without = model_.velocity(xs, s, zeros_like(s), guidance.null_rows(n, batch.dtype()));
    const Tensor conditional = slice(given, 1, guidance.width, guidance.width + 1);
    v = v + conditional * (v - without.value()) * guidance.weight;
  }
  const Tensor rows = beside({xs, s, span, given});
  // Along the flow x moves with v, s with 1, and e − s shrinks as fast; the condition stays.
  const Tensor still = given.defined() ? zeros_like(given) : Tensor();
  const Tensor along = beside({v, ones({n, 1}, batch.dtype()), full({n, 1}, -1.0, batch.dtype()), still});
  const auto change = jvp([this](const Variable& r) { return model_.velocity(r); }, rows, along);
  const Variable error = model_.velocity(Variable(rows)) - Variable(v + span * change.tangent);
  const Variable square_error = sum(square(error), -1);
  return mean(square_error * Variable(pow(square_error.value() + 1e-3, -power_)));
}

std::vector<VitalSign> MeanVelocityMatching::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  return mean_velocity_signs(model_, pairing_, batch, rng, context);
}

std::vector<VitalSign> mean_velocity_signs(const MeanFlow& model, Pairing pairing, const Tensor& batch, Rng& rng,
                                           const Tensor& context) {
  const int64_t n = std::min<int64_t>(batch.size(0), 512);  // pairing takes the square of it and more
  const Tensor x1 = slice(batch, 0, 0, n);
  const Tensor rows = context.defined() && context.size(0) > n ? slice(context, 0, 0, n) : context;
  const Tensor x0 = paired_noise(pairing, x1, rows, 0, rng), v = x1 - x0;
  const Tensor s = rng.uniform({n, 1}, batch.dtype());
  const Tensor given = model.guidance().training_rows("flow-matching loss", rows, n, batch.dtype(), rng);
  return loss_by_level("time", s, model.velocity(x0 + s * v, s, zeros_like(s), given).value(), v);
}

}  // namespace pf
