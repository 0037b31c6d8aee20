#include "models/autoregressive/autoregressive.h"

#include <cmath>
#include <map>

#include "models/autoregressive/conditional_mixture.h"
#include "models/autoregressive/made.h"
#include "models/autoregressive/transformer_network.h"
#include "models/context.h"
#include "models/metrics/estimate.h"
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
  const auto look = [](const Tensor& noise) {
    const double low = min(noise).item(), high = max(noise).item();
    check(!(low < 0 || high > 1), "autoregressive push: noise from ", low, " to ", high,
          ": expected numbers between 0 and 1");
  };
  if (u.numel() > 0) detail::replayable(look, u);
  return inside_unit_interval(u);
}

std::unique_ptr<ConditionalNetwork> make_network(int64_t width, const AutoregressiveSettings& settings,
                                                 const ConditionalHead& head, Rng& rng) {
  const NetworkInput input{.width = width,
                           .levels = head.levels(),
                           .classes = settings.conditional == Conditional::categorical,
                           .context = settings.context};
  if (settings.network == NetworkKind::transformer) {
    const TransformerNetworkSettings transformer{.outputs = head.outputs(),
                                                 .width = settings.hidden,
                                                 .heads = settings.heads,
                                                 .blocks = settings.depth,
                                                 .start = head.start()};
    return std::make_unique<TransformerNetwork>(input, transformer, rng);
  }
  const MadeSettings made{
      .outputs = head.outputs(), .hidden = settings.hidden, .depth = settings.depth, .start = head.start()};
  return std::make_unique<Made>(input, made, rng);
}

/// The sum of the entropies of the columns of whole numbers, in nats, with Miller and Madow's correction: the number of values
/// seen less one, over twice the number of rows.
double entropy_of_columns(const Tensor& rows) {
  const int64_t n = rows.size(0), d = rows.size(1);
  const std::vector<double> values = cast(contiguous(rows), float64).to_vector<double>();
  double total = 0;
  for (int64_t j = 0; j < d; ++j) {
    std::map<double, int64_t> counts;
    for (int64_t i = 0; i < n; ++i) ++counts[values[size_t(i * d + j)]];
    for (const auto& [value, count] : counts) total -= double(count) / double(n) * std::log(double(count) / double(n));
    total += double(counts.size() - 1) / (2 * double(n));
  }
  return total;
}

void check_whole(const char* who, const Tensor& x, int64_t levels) {
  // On a GPU looking would wait in every step; Model::check_range has looked at the data.
  if (x.numel() == 0 || x.device().is_cuda()) return;
  const auto look = [who, levels](const Tensor& numbers) {
    const double low = min(numbers).item(), high = max(numbers).item();
    check(low >= 0 && high <= double(levels - 1) && all(equal(numbers, floor(numbers))), who, ": numbers from ", low,
          " to ", high, ": expected whole numbers from 0 to ", levels - 1);
  };
  detail::replayable(look, x);
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
      head_(make_head(settings.conditional, settings.components, settings.levels)),
      network_(make_network(width, settings, *head_, rng)),
      order_(order_of(width, settings.ordering, rng)) {}

Traits Autoregressive::traits() const {
  return {.invertible = !head_->discrete(),
          .same_width = true,
          .smooth = !head_->discrete(),
          .relaxed = head_->discrete() ? "sigmoids in place of the steps of each inverse CDF" : "",
          .density = DensityKind::exact,
          .steps = width(),
          .inverse_error = 1e-9};
}

Tensor Autoregressive::rows_of(const char* who, const Tensor& context, const Variable& x) const {
  return context_rows(who, context, x.size(0), settings_.context, x.dtype());
}
Variable Autoregressive::ordered(const Variable& x) const {
  return settings_.ordering == Ordering::natural ? x : index_select(x, 1, order_);
}
Variable Autoregressive::as_given(const Variable& x) const {
  return settings_.ordering == Ordering::natural ? x : index_select(x, 1, argsort(order_, 0));
}

Variable Autoregressive::sequential(const Variable& u, const Tensor& rows) const {
  const auto sequence = network_->unroll(u.size(0), rows);
  std::vector<Variable> x;
  for (int64_t i = 0; i < width(); ++i) {
    const Variable output = i ? sequence->next(x.back()) : sequence->next();
    x.push_back(head_->quantile(unsqueeze(output, 1), slice(u, 1, i, i + 1)));
  }
  return concat(x, 1);
}

// After sweep i the first i coordinates are what they will be, whatever the others are.
Tensor Autoregressive::jacobi(const Tensor& u, const Tensor& rows, int64_t* sweeps) const {
  Tensor x = zeros(u.shape(), u.dtype());
  for (int64_t i = 0; i < width(); ++i) {
    const Variable outputs = Variable((*network_)(Variable(x), rows).value());
    const Tensor next = head_->quantile(outputs, Variable(u)).value();
    if (sweeps) *sweeps = i + 1;
    const bool settled = u.numel() == 0 || all(equal(next, x));
    x = next;
    if (settled) break;
  }
  return x;
}

int64_t Autoregressive::jacobi_sweeps(const Tensor& z, const Tensor& context) const {
  check_rows("autoregressive push", z.shape(), width());
  int64_t sweeps = 0;
  jacobi(ordered(inside(z)).value(), rows_of("autoregressive push", context, z), &sweeps);
  return sweeps;
}

Variable Autoregressive::push(const Variable& z, const Tensor& context) const {
  check_rows("autoregressive push", z.shape(), width());
  const Tensor rows = rows_of("autoregressive push", context, z);
  const Variable u = ordered(brought_inside(z));
  bool differentiated = u.tracked();
  for (const ConstField& field : fields_of(std::as_const(*network_)))
    differentiated |= field.parameter && field.parameter->tracked();
  if (settings_.schedule == SamplingSchedule::jacobi && !differentiated) return as_given(jacobi(u.value(), rows));
  return as_given(sequential(u, rows));
}

Variable Autoregressive::shares(const Variable& z, double temperature, const Tensor& context) const {
  check(head_->discrete(), "autoregressive: real numbers have no levels to share; their map is smooth as it is");
  check(temperature > 0, "autoregressive: shares at temperature ", temperature, ": expected a positive number");
  check_rows("autoregressive push", z.shape(), width());
  const auto sequence = network_->unroll(z.size(0), rows_of("autoregressive push", context, z));
  const Variable u = ordered(brought_inside(z));
  std::vector<Variable> all;
  for (int64_t i = 0; i < width(); ++i) {
    const Variable output = i ? sequence->next(squeeze(all.back(), 1)) : sequence->next();
    all.push_back(head_->shares(unsqueeze(output, 1), slice(u, 1, i, i + 1), temperature));
  }
  return as_given(concat(all, 1));
}

Variable Autoregressive::push_relaxed(const Variable& z, double temperature, const Tensor& context) const {
  if (!head_->discrete()) return Transform::push_relaxed(z, temperature, context);
  return mean_level(shares(z, temperature, context));
}

Variable Autoregressive::pull(const Variable& x, const Tensor& context) const {
  if (head_->discrete()) return Transform::pull(x, context);
  return pull_with_log_det(x, context).value;
}

Mapped Autoregressive::push_with_log_det(const Variable& z, const Tensor& context) const {
  if (head_->discrete()) return Transform::push_with_log_det(z, context);
  const Variable x = push(z, context);
  return {x, -log_likelihood(x, context)};
}

Mapped Autoregressive::pull_with_log_det(const Variable& x, const Tensor& context) const {
  if (head_->discrete()) return Transform::pull_with_log_det(x, context);
  check_rows("autoregressive pull", x.shape(), width());
  const Variable y = ordered(x), output = (*network_)(y, rows_of("autoregressive pull", context, x));
  return {as_given(head_->cdf(output, y)), sum(head_->log_density(output, y), -1)};
}

Variable Autoregressive::log_likelihood(const Variable& x, const Tensor& context) const {
  check_rows("autoregressive log_density", x.shape(), width());
  if (head_->levels() > 2) check_whole("autoregressive log_density", x.value(), head_->levels());
  const Variable y = ordered(x), output = (*network_)(y, rows_of("autoregressive log_density", context, x));
  return sum(head_->log_density(output, y), -1);
}

LogDensity Autoregressive::log_density(const Tensor& x, Rng&, const Tensor& context) const {
  return {log_likelihood(Variable(x), context).value(), DensityKind::exact,
          head_->discrete() ? "sum of the conditionals' log-probabilities" : "sum of the conditionals' log-densities"};
}

Tensor Autoregressive::encode(const Tensor& x, const Tensor& context) const {
  if (!head_->discrete()) return pull(Variable(x), context).value();
  check_rows("autoregressive encode", x.shape(), width());
  if (head_->levels() > 2) check_whole("autoregressive encode", x, head_->levels());
  const Tensor y = ordered(Variable(x)).value();
  const Tensor output = (*network_)(Variable(y), rows_of("autoregressive encode", context, x)).value();
  return as_given(Variable(head_->interval(output, y).point(full(y.shape(), 0.5, float64), x.dtype()))).value();
}

// Rounding differs between a pass over all coordinates and one after the other, and a point near the end of an interval
// would not survive that. So the conditionals come in the way in which push computes them.
NoiseInterval Autoregressive::intervals_of_push(const Tensor& x, const Tensor& rows) const {
  if (settings_.schedule == SamplingSchedule::jacobi) return head_->interval((*network_)(Variable(x), rows).value(), x);
  const auto sequence = network_->unroll(x.size(0), rows);
  std::vector<Tensor> low, high;
  Variable last;
  for (int64_t i = 0; i < width(); ++i) {
    const Tensor output = (i ? sequence->next(last) : sequence->next()).value();
    last = Variable(slice(x, 1, i, i + 1));
    const NoiseInterval interval = head_->interval(unsqueeze(output, 1), last.value());
    low.push_back(interval.low);
    high.push_back(interval.high);
  }
  return {concat(low, 1), concat(high, 1)};
}

Tensor Autoregressive::randomised_inverse(const Tensor& x, Rng& rng, const Tensor& context) const {
  if (!head_->discrete()) return pull(Variable(x), context).value();
  check_rows("autoregressive randomised_inverse", x.shape(), width());
  check_whole("autoregressive randomised_inverse", x, head_->levels());
  const Tensor rows = rows_of("autoregressive randomised_inverse", context, x);
  const NoiseInterval box = intervals_of_push(ordered(Variable(x)).value(), rows);
  return as_given(Variable(box.point(rng.uniform(x.shape(), float64), x.dtype()))).value();
}

std::vector<Tensor> Autoregressive::path(const Tensor& z, const Tensor& context) const {
  const Tensor x = push(Variable(z), context).value(), from = ndtri(inside(z));
  std::vector<Tensor> positions{z, from};
  const int64_t d = width(), stride = (d + 62) / 63;
  const Tensor rank = argsort(order_, 0);
  for (int64_t i = stride; i < d; i += stride) positions.push_back(where(less(rank, double(i)), x, from));
  positions.push_back(x);
  return positions;
}

Variable ConditionalLikelihood::loss(const Tensor& batch, Rng&, const Tensor& context) const {
  return -mean(model_.log_likelihood(Variable(batch), context));
}

std::vector<VitalSign> ConditionalLikelihood::vital_signs(const Tensor& batch, Rng&, const Tensor& context) const {
  if (model_.traits().invertible) return {};  // real numbers: the inverse and the log-determinant are looked at
  const std::vector<double> each =
      cast(model_.log_likelihood(Variable(batch), context).value(), float64).to_vector<double>();
  const Estimate said = mean_of(each);
  const double nll = -said.value, alone = entropy_of_columns(batch);
  // Beyond two standard errors: where columns are independent, as much is all that can be had.
  const bool nothing = nll > 1.001 * alone + 2 * said.error;
  return {{"NLL (nats)", nll, nothing ? "it knows no more than the columns one by one" : ""},
          {"NLL of independent columns (nats)", alone, {}}};
}

}  // namespace pf
