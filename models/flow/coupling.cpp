#include "models/flow/coupling.h"

#include "models/context.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/sort.h"

namespace pf {

CouplingFlow::CouplingFlow(int64_t width, const CouplingSettings& settings, Rng& rng, int64_t context)
    : settings_(settings),
      map_{settings.kind, settings.bins, settings.bound},
      base_(width),
      first_half_(width / 2),
      context_(context) {
  check(width >= 2, "flow: data with ", width, " column: a coupling needs at least 2; set variant=spline-ar");
  check(settings.layers >= 1, "flow: ", settings.layers, " layers: expected at least 1");
  map_.validate("flow");
  for (int64_t i = 0; i < settings.layers; ++i) {
    const int64_t fixed = i % 2 ? width - first_half_ : first_half_, moving = width - fixed;
    conditioners_.emplace_back(
        std::vector<int64_t>{fixed + context, settings.hidden, settings.hidden, moving * map_.parameters()}, rng,
        MlpOptions{.activation = Activation::relu, .final_gain = 0.1});
    if (width > 2 && i % 2 == 0) permutations_.push_back(rng.permutation(width));
  }
}

Traits CouplingFlow::traits() const {
  return {.invertible = true,
          .same_width = true,
          .density = DensityKind::exact,
          .steps = settings_.layers,
          .inverse_error = 1e-9};
}

CouplingFlow::Halves CouplingFlow::split(const Variable& x) const {
  return {slice(x, 1, 0, first_half_), slice(x, 1, first_half_)};
}
Variable CouplingFlow::merge(const Halves& halves) const { return concat(std::vector{halves.a, halves.b}, 1); }

Variable CouplingFlow::permute(const Variable& x, size_t pair, bool inverse) const {
  const Tensor& order = permutations_[pair];
  return index_select(x, 1, inverse ? argsort(order, 0) : order);
}

void CouplingFlow::apply_layer(size_t i, Halves& halves, const Tensor& context, bool pulling,
                               std::vector<Variable>& log_dets) const {
  const Variable& fixed = i % 2 ? halves.b : halves.a;
  Variable& moving = i % 2 ? halves.a : halves.b;
  const Variable parameters = conditioners_[i](with_context("flow", fixed, context, context_));
  auto [moved, log_slope] = map_(moving, parameters, pulling);
  moving = moved;
  log_dets.push_back(log_slope);
}

// Pulling runs the layers from first to last, pushing from last to first.
Mapped CouplingFlow::run(const Variable& input, const Tensor& context, bool pulling,
                         std::vector<Tensor>* positions) const {
  check_rows(pulling ? "flow pull" : "flow push", input.shape(), width());
  const size_t layers = conditioners_.size();
  const bool permuted = !permutations_.empty();
  std::vector<Variable> log_dets;
  Variable x = input;
  Halves halves;
  bool merged = true;
  for (size_t step = 0; step < layers; ++step) {
    const size_t i = pulling ? step : layers - 1 - step;
    if (pulling && permuted && i % 2 == 0) {
      x = permute(merged ? x : merge(halves), i / 2, false);
      merged = true;
    }
    if (merged) halves = split(x);
    merged = false;
    apply_layer(i, halves, context, pulling, log_dets);
    if (!pulling && permuted && i % 2 == 0) {
      x = permute(merge(halves), i / 2, true);
      merged = true;
    }
    if (positions) positions->push_back((merged ? x : merge(halves)).value());
  }
  if (!merged) x = merge(halves);
  Variable log_det;
  // Layers that move equally many coordinates are added before the coordinates are summed: fewer, longer operations.
  Variable by_role[2];
  for (size_t step = 0; step < layers; ++step) {
    Variable& sum_of_role = by_role[log_dets[step].size(1) == log_dets[0].size(1) ? 0 : 1];
    sum_of_role = sum_of_role.defined() ? sum_of_role + log_dets[step] : log_dets[step];
  }
  for (const Variable& part : by_role)
    if (part.defined()) log_det = log_det.defined() ? log_det + sum(part, -1) : sum(part, -1);
  return {x, log_det};
}

Mapped CouplingFlow::push_with_log_det(const Variable& z, const Tensor& context) const {
  return run(z, context, false, nullptr);
}
Mapped CouplingFlow::pull_with_log_det(const Variable& x, const Tensor& context) const {
  return run(x, context, true, nullptr);
}

std::vector<Tensor> CouplingFlow::path(const Tensor& z, const Tensor& context) const {
  std::vector<Tensor> positions{z};
  run(Variable(z), context, false, &positions);
  return positions;
}

}  // namespace pf
