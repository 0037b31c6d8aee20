#include "models/flow/autoregressive.h"

#include "models/context.h"
#include "nn/activation.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/where.h"

namespace pf {

// Degrees as in MADE (Germain et al. 2015, arXiv 1502.03509): coordinates have 1 … width, hidden units are spread over
// 1 … width − 1 and see the degrees up to their own, parameters see those below their own. A context has degree 0, and so
// have some of the hidden units then, which tell the first coordinate of it.
AutoregressiveLayer::AutoregressiveLayer(int64_t width, const AutoregressiveFlowSettings& settings, bool last_first,
                                         Rng& rng, int64_t context)
    : settings_(settings), context_(context) {
  settings.map.validate("flow");
  check(settings.hidden >= 1, "flow: ", settings.hidden, " hidden units: expected at least 1");
  std::vector<int64_t> coordinates, hidden, parameters;
  for (int64_t i = 0; i < width; ++i) coordinates.push_back(last_first ? width - i : i + 1);
  for (int64_t i = 0; i < settings.hidden; ++i)
    hidden.push_back(context > 0 ? i * width / settings.hidden
                                 : 1 + i * std::max<int64_t>(width - 1, 1) / settings.hidden);
  for (int64_t i = 0; i < width * settings.map.parameters(); ++i)
    parameters.push_back(coordinates[size_t(settings.map.owner(i, width))]);
  std::vector<int64_t> inputs = coordinates;
  inputs.resize(inputs.size() + size_t(context), 0);
  const LinearOptions inner{.gain = gain_of(Activation::relu)};
  network_.emplace_back(degree_mask(inputs, hidden), rng, inner);
  network_.emplace_back(degree_mask(hidden, hidden), rng, inner);
  network_.emplace_back(degree_mask(hidden, parameters, true), rng, LinearOptions{.gain = 0.1});
}

Variable AutoregressiveLayer::parameters(const Variable& input, const Tensor& context) const {
  return in_network_precision(with_context("flow", input, context, context_), [&](Variable x) {
    for (size_t i = 0; i + 1 < network_.size(); ++i) x = activate(Activation::relu, network_[i](x));
    return network_.back()(x);
  });
}

Mapped AutoregressiveLayer::once(const Variable& input, const Tensor& context, bool pulling) const {
  const auto [value, log_slope] = settings_.map(input, parameters(input, context), pulling);
  return {value, sum(log_slope, -1)};
}

// All coordinates at once, as often as there are coordinates: after k rounds the first k are right (Song et al. 2021,
// arXiv 2002.03629, Jacobi iteration). A round that changes nothing is the last, unless its derivative is wanted: that
// needs all rounds.
Mapped AutoregressiveLayer::solve(const Variable& output, const Tensor& context, bool pulling) const {
  const int64_t width = output.size(1);
  Variable x = Variable(zeros_like(output.value()));
  for (int64_t round = 1;; ++round) {
    const auto [value, log_slope] = settings_.map(output, parameters(x, context), pulling);
    const bool settled = !value.tracked() && !any(not_equal(value.value(), x.value()));
    if (round == width || settled) return {value, sum(log_slope, -1)};
    // Coordinates that are not right yet may be anything; infinite ones would reach the others as 0 · ∞.
    x = where(isfinite(value.value()), value, 0.0);
  }
}

}  // namespace pf
