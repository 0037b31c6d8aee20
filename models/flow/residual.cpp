#include "models/flow/residual.h"

#include <numbers>

#include "models/context.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/trigonometric.h"

namespace pf {

// The power is kept at trace 1, and the logarithm of what was divided out beside it.
Variable spectral_bound(const Variable& weight) {
  const bool wide = weight.size(0) < weight.size(1);
  Variable power = wide ? matmul(weight, transpose(weight)) : matmul(transpose(weight), weight);
  Variable size = trace(power), log_trace = log(size);
  double p = 1;
  for (int squaring = 0; squaring < 4; ++squaring, p *= 2) {
    power = power / size;
    power = matmul(power, power);
    size = trace(power);
    log_trace = log_trace * 2 + log(size);
  }
  return exp(log_trace * (0.5 / p));
}

ResidualLayer::ResidualLayer(int64_t width, int64_t hidden, Rng& rng, int64_t context)
    : width_(width), context_(context) {
  check(width <= widest, "flow: residual on data with ", width, " columns: its exact determinant takes ", widest,
        " at most; use variant=spline or variant=cnf");
  network_.emplace_back(width + context, hidden, rng, LinearOptions{.gain = 2});
  network_.emplace_back(hidden, width, rng, LinearOptions{.gain = 0.3});
  network_[0].bias = Variable(rng.uniform({hidden}) * (2 * std::numbers::pi));
}

std::vector<Variable> ResidualLayer::contracted_weights() const {
  const Variable &first = network_[0].weight, &second = network_[1].weight;
  const Variable of_x = context_ > 0 ? slice(first, 1, 0, width_) : first;
  const Variable slope = spectral_bound(of_x) * spectral_bound(second);
  return {first, second * (lipschitz / maximum(slope, lipschitz))};
}

Variable ResidualLayer::branch(const std::vector<Variable>& weights, const Variable& x, const Tensor& context) const {
  Variable h = with_context("flow", x, context, context_);
  for (size_t i = 0; i < weights.size(); ++i) {
    h = linear(h, weights[i], network_[i].bias);
    if (i + 1 < weights.size()) h = sin(h);
  }
  return h;
}

// The rows of all tangents, one block for each column, pass through the layers beside the value.
ResidualLayer::WithJacobian ResidualLayer::with_jacobian(const std::vector<Variable>& weights, const Variable& x,
                                                         const Tensor& context) const {
  const int64_t n = x.size(0), d = x.size(1);
  const Tensor unit = eye(d, x.dtype());
  Variable h = with_context("flow", x, context, context_), tangents;
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t m = weights[i].size(0);
    h = linear(h, weights[i], network_[i].bias);
    // [d, n, m]: the first layer's tangents are the columns of its weight that belong to x.
    tangents = i == 0
                   ? expand(reshape(slice(transpose(weights[0]), 0, 0, d), {d, 1, m}), {d, n, m})
                   : reshape(matmul(reshape(tangents, {d * n, weights[i].size(1)}), transpose(weights[i])), {d, n, m});
    if (i + 1 == weights.size()) break;
    tangents = tangents * reshape(cos(h), {1, n, m});
    h = sin(h);
  }
  return {x + h, permute(tangents, {1, 2, 0}) + Variable(unit)};
}

Mapped ResidualLayer::pull(const Variable& x, const Tensor& context) const {
  const auto [z, jacobian] = with_jacobian(contracted_weights(), x, context);
  return {z, slogdet(jacobian).log_abs};
}

// The fixed point is found on plain values; then each of Newton's steps on variables squares what is missing and doubles
// the number of derivatives that are right.
Mapped ResidualLayer::push(const Variable& z, const Tensor& context) const {
  const std::vector<Variable> weights = contracted_weights();
  std::vector<Variable> plain;
  for (const Variable& w : weights) plain.push_back(stop_gradient(w));
  Variable x = stop_gradient(z);
  for (int round = 0; round < 500 && z.size(0) > 0; ++round) {
    const Tensor next = (stop_gradient(z) - branch(plain, x, context)).value();
    const double moved = max(abs(next - x.value()) / (1.0 + abs(next))).item();
    x = Variable(next);
    if (!(moved > 1e-6)) break;
  }
  for (int step = 0; step < 2; ++step) {
    const auto [value, jacobian] = with_jacobian(weights, x, context);
    x = x - squeeze(solve(jacobian, unsqueeze(value - z, -1)), -1);
  }
  return {x, -slogdet(with_jacobian(weights, x, context).jacobian).log_abs};
}

}  // namespace pf
