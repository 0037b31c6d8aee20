#include "models/flow/continuous.h"

#include "nn/activation.h"
#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"

namespace pf {

TangentField::TangentField(int64_t width, int64_t hidden, int64_t depth, Rng& rng) {
  for (int64_t i = 0; i <= depth; ++i) {
    const bool last = i == depth;
    const int64_t in = i == 0 ? width : hidden, out = last ? width : hidden;
    layers_.emplace_back(in, out, rng, LinearOptions{.gain = last ? 0.5 : gain_of(Activation::tanh)});
    times_.emplace_back(rng.normal({out}) * (last ? 0.0 : 0.5));
  }
}

Variable TangentField::operator()(const Variable& x, double time) const {
  Variable h = x;
  for (size_t i = 0; i < layers_.size(); ++i) {
    h = linear(h, layers_[i].weight, layers_[i].bias + times_[i] * time);
    if (i + 1 < layers_.size()) h = tanh(h);
  }
  return h;
}

// Value and tangents are blocks of rows of one product with the weight.
TangentField::WithTrace TangentField::with_trace(const Variable& x, double time,
                                                 const std::vector<Tensor>& directions) const {
  const int64_t n = x.size(0), blocks = int64_t(directions.size());
  Variable h = x, tangents = Variable(concat(directions, 0));
  const Variable start = tangents;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Variable& weight = layers_[i].weight;
    h = linear(h, weight, layers_[i].bias + times_[i] * time);
    tangents = matmul(tangents, transpose(weight));
    if (i + 1 == layers_.size()) break;
    h = tanh(h);
    const int64_t m = weight.size(0);
    const Variable slope = 1.0 - square(h);
    tangents = reshape(reshape(tangents, {blocks, n, m}) * reshape(slope, {1, n, m}), {blocks * n, m});
  }
  const Variable products = reshape(sum(tangents * start, -1), {blocks, n});
  return {h, sum(products, 0)};
}

ContinuousFlow::ContinuousFlow(int64_t width, const ContinuousSettings& settings, Rng& rng)
    : settings_(settings), base_(width), field_(width, settings.hidden, settings.depth, rng) {}

Traits ContinuousFlow::traits() const {
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::ode,
          .steps = 0,
          .inverse_error = 100 * settings_.solver.tolerance};
}

std::vector<Tensor> ContinuousFlow::directions(const Tensor& like, bool exact, Rng* rng) const {
  check_rows("flow", like.shape(), width());
  if (!exact) return {rng->rademacher(like.shape(), like.dtype())};
  const Tensor units = eye(width(), like.dtype());
  std::vector<Tensor> out;
  for (int64_t i = 0; i < width(); ++i) out.push_back(expand(slice(units, 0, i, i + 1), like.shape()));
  return out;
}

Variable ContinuousFlow::carry(const Variable& start, double from, double to) const {
  check_rows(to > from ? "flow push" : "flow pull", start.shape(), width());
  const OdeField field = [this](double t, const OdeState& x) { return OdeState{field_(x[0], t)}; };
  return solve_ode(field, {start}, from, to, settings_.solver).state[0];
}

Mapped ContinuousFlow::carry_with_trace(const Variable& start, double from, double to, const OdeOptions& options,
                                        const std::vector<Tensor>& directions) const {
  check_rows(to > from ? "flow push" : "flow pull", start.shape(), width());
  const OdeField field = [&](double t, const OdeState& x) {
    const auto [value, trace] = field_.with_trace(x[0], t, directions);
    return OdeState{value, trace};
  };
  const Variable zero(zeros({start.size(0)}, start.dtype()));
  const OdeState end = solve_ode(field, {start, zero}, from, to, options).state;
  return {end[0], end[1]};
}

Mapped ContinuousFlow::push_with_log_det(const Variable& z) const {
  return carry_with_trace(z, 0, 1, settings_.solver, directions(z.value(), true, nullptr));
}
Mapped ContinuousFlow::pull_with_log_det(const Variable& x) const {
  return carry_with_trace(x, 1, 0, settings_.solver, directions(x.value(), true, nullptr));
}

std::vector<Tensor> ContinuousFlow::path(const Tensor& z) const {
  std::vector<Tensor> positions;
  const OdeField field = [this](double t, const OdeState& x) { return OdeState{field_(x[0], t)}; };
  const OdeOptions even{.method = OdeMethod::rk4, .steps = 32};
  solve_ode(field, {Variable(z)}, 0, 1, even, [&](double, const OdeState& x) { positions.push_back(x[0].value()); });
  return positions;
}

LogDensity ContinuousFlow::log_density(const Tensor& x, Rng& rng) const {
  check_rows("flow log_density", x.shape(), width());
  const Mapped pulled = carry_with_trace(Variable(x), 1, 0, settings_.solver, directions(x, exact(), &rng));
  return {(base_.log_density(pulled.value) + pulled.log_det).value(), DensityKind::ode,
          join("dopri5, tolerance ", settings_.solver.tolerance, exact() ? ", exact trace" : ", one Hutchinson probe")};
}

Variable ContinuousFlow::training_log_density(const Tensor& x, Rng& rng) const {
  const Mapped pulled = carry_with_trace(Variable(x), 1, 0, settings_.training, directions(x, exact(), &rng));
  return base_.log_density(pulled.value) + pulled.log_det;
}

Variable ContinuousLikelihood::loss(const Tensor& batch, Rng& rng) const {
  return -mean(flow_.training_log_density(batch, rng));
}

}  // namespace pf
