#include "models/gan/drifting.h"

#include "models/gan/two_sample.h"
#include "models/squared_distances.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"

namespace pf {
namespace {

constexpr double out_of_sight = 1e12;  // a squared distance at which no kernel sees anything

Tensor log_kernel(const Tensor& x, const Tensor& y, DriftKernel kernel, double h, const Tensor& apart) {
  Tensor squares = squared_distances_by_product(x, y);
  if (apart.defined()) squares = squares + apart;
  return kernel == DriftKernel::laplace ? sqrt(squares) * (-1 / h) : squares * (-0.5 / (h * h));
}

}  // namespace

Tensor mean_shift(const Tensor& x, const Tensor& y, DriftKernel kernel, double bandwidth, const Tensor& apart) {
  check(bandwidth > 0, "drifting: a bandwidth of ", bandwidth, ": expected above 0");
  return matmul(softmax(log_kernel(x, y, kernel, bandwidth, apart), -1), y) - x;
}

Tensor balanced_drift(const Tensor& x, const Tensor& data, const Tensor& samples, DriftKernel kernel, double bandwidth,
                      const Tensor& data_apart, const Tensor& samples_apart) {
  check(bandwidth > 0, "drifting: a bandwidth of ", bandwidth, ": expected above 0");
  const Tensor logits = concat(
      {log_kernel(x, data, kernel, bandwidth, data_apart), log_kernel(x, samples, kernel, bandwidth, samples_apart)},
      1);
  const Tensor affinity = exp(logits - (logsumexp(logits, 1, true) + logsumexp(logits, 0, true)) * 0.5);
  const int64_t m = data.size(0);
  const Tensor to_data = slice(affinity, 1, 0, m), to_samples = slice(affinity, 1, m);
  return matmul(to_data, data) * sum(to_samples, 1, true) - matmul(to_samples, samples) * sum(to_data, 1, true);
}

Variable DriftingLoss::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  check(n >= 2, "gan: a batch of ", n, " row: samples drift between at least 2");
  const Variable moving = generator_.push(generator_.base().sample(n, rng, batch.dtype()), context);
  const Tensor x = moving.value(), self = eye(n, x.dtype()) * out_of_sight;
  const Tensor contexts = context_distances(context, n, settings_.context_scale, x.dtype());
  const Tensor from_samples = contexts.defined() ? contexts + self : self;
  const Tensor from_data = contexts.defined() ? from_samples : Tensor();
  Tensor drift = zeros_like(x);
  for (double h : settings_.bandwidths)
    drift = drift + (settings_.balanced ? balanced_drift(x, batch, x, settings_.kernel, h, from_data, from_samples)
                                        : mean_shift(x, batch, settings_.kernel, h, from_data) -
                                              mean_shift(x, x, settings_.kernel, h, from_samples));
  return sum(square(moving - Variable(x + drift))) / double(n);
}

}  // namespace pf
