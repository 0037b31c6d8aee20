#include "models/autoregressive/autoregressive.h"

#include <cmath>

#include "tensor/ops/argmax.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/sort.h"

namespace pf {
namespace {

Tensor order_of(int64_t width, Ordering ordering, Rng& rng) {
  if (ordering == Ordering::random) return rng.permutation(width);
  const Tensor natural = arange(0, double(width), 1, int64);
  return ordering == Ordering::natural ? natural : contiguous(flip(natural, 0));
}

/// Noise that was rounded to 0 or 1 counts as the number beside.
Tensor inside(const Tensor& u) {
  if (u.numel() > 0) {
    const double low = min(u).item(), high = max(u).item();
    check(!(low < 0 || high > 1), "autoregressive push: noise from ", low, " to ", high,
          ": expected numbers between 0 and 1");
  }
  return inside_unit_interval(u);
}

/// What is added to u to bring it inside is a constant, so that u keeps its derivative.
Variable brought_inside(const Variable& u) {
  const Tensor moved = inside(u.value());
  return u.tracked() ? u + Variable(moved - u.value()) : Variable(moved);
}

}  // namespace

Autoregressive::Autoregressive(int64_t width, const AutoregressiveSettings& settings, Rng& rng)
    : settings_(settings),
      base_(width),
      made_(width, settings.conditional == Conditional::bernoulli ? 1 : 3 * settings.components, settings.hidden,
            settings.depth, rng),
      order_(order_of(width, settings.ordering, rng)) {
  check(settings.components >= 1, "autoregressive: ", settings.components, " components: expected at least 1");
  if (discrete()) return;
  // The components start side by side over the bulk of normalised data.
  const int64_t k = settings.components;
  const Tensor means = k > 1 ? linspace(-2, 2, k) : zeros({1});
  const Tensor start = concat({zeros({k}), means, full({k}, k > 1 ? std::log(4.0 / double(k)) : 0.0)}, 0);
  made_.layers.back().bias = tile(start, width, 0);
}

Component Autoregressive::component() const {
  return settings_.conditional == Conditional::logistic_mixture ? Component::logistic : Component::normal;
}

Traits Autoregressive::traits() const {
  return {.invertible = !discrete(),
          .same_width = true,
          .smooth = !discrete(),
          .density = DensityKind::exact,
          .steps = width(),
          .inverse_error = 1e-9};
}

Variable Autoregressive::ordered(const Variable& x) const {
  return settings_.ordering == Ordering::natural ? x : index_select(x, 1, order_);
}
Variable Autoregressive::as_given(const Variable& x) const {
  return settings_.ordering == Ordering::natural ? x : index_select(x, 1, argsort(order_, 0));
}

Variable Autoregressive::draw(const Variable& output, const Variable& u) const {
  if (!discrete()) return ConditionalMixture::from(output, component()).quantile(u);
  return Variable(cast(less(u.value(), sigmoid(squeeze(output.value(), -1))), u.dtype()));
}

Variable Autoregressive::sequential(const Variable& u) const {
  const int64_t n = u.size(0), d = width();
  MadeSequence sequence(made_, n);
  std::vector<Variable> x;
  for (int64_t i = 0; i < d; ++i) {
    const Variable output = i ? sequence.next(x.back()) : sequence.next();
    x.push_back(draw(unsqueeze(output, 1), slice(u, 1, i, i + 1)));
  }
  return concat(x, 1);
}

// After sweep i the first i coordinates are what they will be, whatever the others are.
Tensor Autoregressive::jacobi(const Tensor& u, int64_t* sweeps) const {
  Tensor x = zeros(u.shape(), u.dtype());
  for (int64_t i = 0; i < width(); ++i) {
    const Tensor next = draw(Variable(made_(Variable(x)).value()), Variable(u)).value();
    if (sweeps) *sweeps = i + 1;
    const bool settled = u.numel() == 0 || all(equal(next, x));
    x = next;
    if (settled) break;
  }
  return x;
}

int64_t Autoregressive::jacobi_sweeps(const Tensor& z) const {
  check_rows("autoregressive push", z.shape(), width());
  int64_t sweeps = 0;
  jacobi(ordered(inside(z)).value(), &sweeps);
  return sweeps;
}

Variable Autoregressive::push(const Variable& z, const Tensor& context) const {
  check_rows("autoregressive push", z.shape(), width());
  const Variable u = ordered(brought_inside(z));
  bool differentiated = u.tracked();
  for (const MaskedLinear& layer : made_.layers) differentiated |= layer.weight.tracked() || layer.bias.tracked();
  if (settings_.schedule == SamplingSchedule::jacobi && !differentiated) return as_given(jacobi(u.value()));
  return as_given(sequential(u));
}

Variable Autoregressive::pull(const Variable& x, const Tensor& context) const {
  if (discrete()) return Transform::pull(x);
  return pull_with_log_det(x).value;
}

Mapped Autoregressive::push_with_log_det(const Variable& z, const Tensor& context) const {
  if (discrete()) return Transform::push_with_log_det(z);
  const Variable x = push(z);
  return {x, -log_likelihood(x)};
}

Mapped Autoregressive::pull_with_log_det(const Variable& x, const Tensor& context) const {
  if (discrete()) return Transform::pull_with_log_det(x);
  check_rows("autoregressive pull", x.shape(), width());
  const Variable y = ordered(x);
  const auto conditional = ConditionalMixture::from(made_(y), component());
  return {as_given(conditional.cdf(y)), sum(conditional.log_density(y), -1)};
}

Variable Autoregressive::log_likelihood(const Variable& x) const {
  check_rows("autoregressive log_density", x.shape(), width());
  const Variable y = ordered(x), output = made_(y);
  if (!discrete()) return sum(ConditionalMixture::from(output, component()).log_density(y), -1);
  const Variable logits = squeeze(output, -1);
  return sum(y * logits - softplus(logits), -1);
}

LogDensity Autoregressive::log_density(const Tensor& x, Rng&, const Tensor& context) const {
  return {log_likelihood(Variable(x)).value(), DensityKind::exact,
          discrete() ? "sum of the conditionals' log-probabilities" : "sum of the conditionals' log-densities"};
}

Tensor Autoregressive::encode(const Tensor& x, const Tensor& context) const {
  if (!discrete()) return pull(Variable(x)).value();
  check_rows("autoregressive encode", x.shape(), width());
  const Tensor y = ordered(Variable(x)).value(), p = sigmoid(squeeze(made_(Variable(y)), -1)).value();
  return as_given(Variable(where(y > 0.5, p * 0.5, (p + 1.0) * 0.5))).value();
}

std::vector<Tensor> Autoregressive::path(const Tensor& z, const Tensor& context) const {
  const Tensor x = push(Variable(z)).value(), from = ndtri(inside(z));
  std::vector<Tensor> positions{z, from};
  const int64_t d = width(), stride = (d + 62) / 63;
  const Tensor rank = argsort(order_, 0);
  for (int64_t i = stride; i < d; i += stride) positions.push_back(where(less(rank, double(i)), x, from));
  positions.push_back(x);
  return positions;
}

Variable ConditionalLikelihood::loss(const Tensor& batch, Rng&, const Tensor& context) const {
  return -mean(model_.log_likelihood(Variable(batch)));
}

}  // namespace pf
