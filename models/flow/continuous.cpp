#include "models/flow/continuous.h"

#include "autograd/checkpoint.h"
#include "models/context.h"
#include "models/waves.h"
#include "nn/activation.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

constexpr double longest_wave = 8;  // of coordinates of deviation 1

/// solve_ode by fixed steps of which each keeps only its start: memory for one step and the states between them (Chen et al.
/// 2016, arXiv 1604.06174). Unlike an adjoint ODE, which is solved backwards with errors of its own, the gradient is that of
/// the steps taken.
OdeState solve_checkpointed(const OdeField& field, const OdeState& start, double from, double to,
                            const OdeOptions& options) {
  check(options.steps >= 1 && options.method != OdeMethod::dopri5, "flow: checkpointed training takes fixed steps, at ",
        "least 1; set solver-steps");
  const auto packed = [](const OdeState& state) {
    std::vector<Variable> flat;
    for (const Variable& part : state) flat.push_back(reshape(part, {part.numel()}));
    return concat(flat, 0);
  };
  std::vector<Shape> shapes;
  for (const Variable& part : start) shapes.push_back(part.shape());
  const auto unpacked = [shapes](const Variable& all) {
    OdeState state;
    int64_t at = 0;
    for (const Shape& shape : shapes) {
      const int64_t size = shape.numel();
      state.push_back(reshape(slice(all, 0, at, at + size), shape));
      at += size;
    }
    return state;
  };
  OdeOptions one = options;
  one.steps = 1;
  Variable state = packed(start);
  const double h = (to - from) / double(options.steps);
  for (int64_t i = 0; i < options.steps; ++i) {
    const double t = from + double(i) * h;
    // The step is run again long after this function: everything by value.
    state = checkpoint([=](const Variable& x) { return packed(solve_ode(field, unpacked(x), t, t + h, one).state); },
                       state);
  }
  return unpacked(state);
}

}  // namespace

TangentField::TangentField(int64_t width, int64_t hidden, int64_t depth, int64_t waves, Rng& rng, int64_t context)
    : width_(width), waves_(waves), context_(context) {
  for (int64_t i = 0; i <= depth; ++i) {
    const bool last = i == depth;
    const int64_t in = i == 0 ? waves_width(width, waves) + context : hidden, out = last ? width : hidden;
    layers_.emplace_back(in, out, rng, LinearOptions{.gain = last ? 0.5 : gain_of(Activation::tanh)});
    times_.emplace_back(rng.normal({out}) * (last ? 0.0 : 0.5));
  }
}

TangentField::WithTangents TangentField::features(const Variable& x, const Variable* tangents) const {
  const Variable seen = with_waves(x, waves_, longest_wave);
  if (waves_ == 0 || !tangents) return {seen, tangents ? *tangents : Variable()};
  const int64_t n = x.size(0), d = width_, blocks = n > 0 ? tangents->size(0) / n : 1;
  // Every column's slope: 1 of the coordinates, and sines and cosines are each other's.
  std::vector<Variable> slopes{Variable(ones_like(x.value()))};
  for (int64_t i = 0; i < waves_; ++i) {
    const double rate = wave_rate(i, longest_wave);
    const int64_t at = waves_width(d, i);
    slopes.push_back(slice(seen, 1, at + d, at + 2 * d) * rate);
    slopes.push_back(slice(seen, 1, at, at + d) * -rate);
  }
  const std::vector<Variable> copies(slopes.size(), *tangents);
  const int64_t columns = waves_width(d, waves_);
  return {seen, reshape(reshape(concat(copies, 1), {blocks, n, columns}) * concat(slopes, 1), {blocks * n, columns})};
}

Variable TangentField::operator()(const Variable& x, double time, const Tensor& context) const {
  Variable h = with_context("flow", features(x, nullptr).value, context, context_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    h = linear(h, layers_[i].weight, layers_[i].bias + times_[i] * time);
    if (i + 1 < layers_.size()) h = tanh(h);
  }
  return h;
}

TangentField::WithTangents TangentField::with_tangents(const Variable& x, double time, const Variable& tangents,
                                                       const Tensor& context) const {
  const int64_t n = x.size(0), blocks = n > 0 ? tangents.size(0) / n : 1;
  auto [inputs, moved] = features(x, &tangents);
  Variable h = with_context("flow", inputs, context, context_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Variable& weight = layers_[i].weight;
    h = linear(h, weight, layers_[i].bias + times_[i] * time);
    moved =
        matmul(moved, transpose(i == 0 && context_ > 0 ? slice(weight, 1, 0, waves_width(width_, waves_)) : weight));
    if (i + 1 == layers_.size()) break;
    h = tanh(h);
    const int64_t m = weight.size(0);
    moved = reshape(reshape(moved, {blocks, n, m}) * (1.0 - square(h)), {blocks * n, m});
  }
  return {h, moved};
}

ContinuousFlow::ContinuousFlow(int64_t width, const ContinuousSettings& settings, Rng& rng)
    : settings_(settings),
      base_(width),
      field_(width, settings.hidden, settings.depth, settings.waves, rng, settings.context) {}

Traits ContinuousFlow::traits() const {
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::ode,
          .steps = 0,
          .inverse_error = 100 * settings_.solver.tolerance};
}

Tensor ContinuousFlow::units(const Tensor& like) const {
  check_rows("flow", like.shape(), width());
  const int64_t d = width(), n = like.size(0);
  return reshape(expand(reshape(eye(d, like.dtype()), {d, 1, d}), {d, n, d}), {d * n, d});
}

Tensor ContinuousFlow::rows_for(const Variable& x, const Tensor& context) const {
  return context_rows("flow", context, x.size(0), settings_.context, x.dtype());
}

Variable ContinuousFlow::carry(const Variable& start, double from, double to, const Tensor& context) const {
  check_rows(to > from ? "flow push" : "flow pull", start.shape(), width());
  const Tensor rows = rows_for(start, context);
  const OdeField field = [&](double t, const OdeState& x) { return OdeState{field_(x[0], t, rows)}; };
  return solve_ode(field, {start}, from, to, settings_.solver).state[0];
}

Mapped ContinuousFlow::carry_with_trace(const Variable& start, double from, double to, const Tensor& directions,
                                        const Tensor& context) const {
  check_rows(to > from ? "flow push" : "flow pull", start.shape(), width());
  const Tensor rows = rows_for(start, context);
  const int64_t n = start.size(0), blocks = n > 0 ? directions.size(0) / n : 1;
  const OdeField field = [&](double t, const OdeState& x) {
    const auto [value, moved] = field_.with_tangents(x[0], t, Variable(directions), rows);
    return OdeState{value, sum(reshape(sum(moved * directions, -1), {blocks, n}), 0)};
  };
  const Variable zero(zeros({start.size(0)}, start.dtype()));
  const OdeState end = solve_ode(field, {start, zero}, from, to, settings_.solver).state;
  return {end[0], end[1]};
}

Mapped ContinuousFlow::push_with_log_det(const Variable& z, const Tensor& context) const {
  return carry_with_trace(z, 0, 1, units(z.value()), context);
}
Mapped ContinuousFlow::pull_with_log_det(const Variable& x, const Tensor& context) const {
  return carry_with_trace(x, 1, 0, units(x.value()), context);
}

std::vector<Tensor> ContinuousFlow::path(const Tensor& z, const Tensor& context) const {
  std::vector<Tensor> positions;
  const Tensor rows = rows_for(Variable(z), context);
  const OdeField field = [&](double t, const OdeState& x) { return OdeState{field_(x[0], t, rows)}; };
  const OdeOptions even{.method = OdeMethod::rk4, .steps = 32};
  solve_ode(field, {Variable(z)}, 0, 1, even, [&](double, const OdeState& x) { positions.push_back(x[0].value()); });
  return positions;
}

LogDensity ContinuousFlow::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  check_rows("flow log_density", x.shape(), width());
  const Tensor directions = exact() ? units(x) : rng.rademacher(x.shape(), x.dtype());
  const Mapped pulled = carry_with_trace(Variable(x), 1, 0, directions, context);
  return {(base_.log_density(pulled.value) + pulled.log_det).value(), DensityKind::ode,
          join("dopri5, tolerance ", settings_.solver.tolerance, exact() ? ", exact trace" : ", one Hutchinson probe")};
}

ContinuousFlow::Trained ContinuousFlow::train(const Tensor& x, Rng& rng, const Tensor& context) const {
  const int64_t n = x.size(0), d = width();
  const Tensor rows = rows_for(Variable(x), context);
  const Tensor probe = exact() ? Tensor() : rng.rademacher(x.shape(), x.dtype());
  const OdeField field = [this, rows, probe](double t, const OdeState& state) {
    const auto [value, moved] = field_.with_tangents(state[0], t, exact() ? state[2] : Variable(probe), rows);
    return OdeState{value, sum(square(value), -1), exact() ? moved : sum(moved * probe, -1)};
  };
  const Variable zero(zeros({n}, x.dtype()));
  const OdeState start{Variable(x), zero, exact() ? Variable(units(x)) : zero};
  const OdeState end = settings_.checkpointed ? solve_checkpointed(field, start, 1, 0, settings_.training)
                                              : solve_ode(field, start, 1, 0, settings_.training).state;
  const Variable log_det = exact() ? slogdet(permute(reshape(end[2], {d, n, d}), {1, 2, 0})).log_abs : end[2];
  return {base_.log_density(end[0]) + log_det, -end[1]};
}

Variable ContinuousLikelihood::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const auto [log_density, energy] = flow_.train(batch, rng, context);
  return mean(energy * flow_.settings().energy - log_density);
}

}  // namespace pf
