#include "models/diffusion/consistency.h"

#include <cmath>

#include "autograd/functional.h"
#include "models/inversion.h"
#include "models/loss_by_level.h"
#include "tensor/capture.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {

ConsistencyModel::ConsistencyModel(int64_t width, const ConsistencySettings& settings, Rng& rng)
    : width_(width), steps_(settings.steps), base_(width * settings.steps), denoiser_(width, settings.denoiser, rng) {
  check(settings.denoiser.prediction == Prediction::velocity, "consistency: the network predicts v; set prediction=v");
  check(settings.denoiser.guidance.weight == 0, "consistency: guidance ", settings.denoiser.guidance.weight,
        ": there is no score to guide in a map of one evaluation; leave guidance at 0");
}

Variable ConsistencyModel::jumps(const char* who, const Variable& z, const Tensor& context,
                                 const WatchState& watch) const {
  check_rows(who, z.shape(), base_.width());
  const DenoiserAt denoiser = denoiser_.estimates(who, context, z.size(0), z.dtype());
  const std::vector<double> grid = denoiser_.schedule().grid(steps_);
  const double deviation = denoiser_.settings().data_deviation;
  Variable x;
  for (int64_t i = 0; i < steps_; ++i) {
    const NoiseLevel level = NoiseLevel::at(grid[size_t(i)]);
    const Variable noise = slice(z, 1, i * width_, (i + 1) * width_);
    // There is next to no data in the noisiest point, and none in the base.
    const Variable noisy = i == 0 ? noise : x * level.alpha + noise * level.sigma;
    if (watch) watch(i == 0 ? noisy : noisy * deviation);
    x = denoiser(noisy, grid[size_t(i)]).clean;
    if (watch) watch(x * deviation);
  }
  return x * deviation;
}

Variable ConsistencyModel::push(const Variable& z, const Tensor& context) const {
  return jumps("diffusion push", z, context, {});
}

std::vector<Tensor> ConsistencyModel::path(const Tensor& z, const Tensor& context) const {
  std::vector<Tensor> states;
  jumps("diffusion path", z, context, [&](const Variable& x) { states.push_back(x.value()); });
  return states;
}

Tensor ConsistencyModel::encode(const Tensor& x, const Tensor& context) const {
  check_rows("diffusion encode", x.shape(), width_);
  return invert_by_optimisation(*this, x, {}, context).z;
}

ConsistencySlope consistency_slope(const VelocityNetwork& network, const Tensor& x, const Tensor& log_ratio,
                                   const Tensor& velocity, const Tensor& r) {
  const int64_t width = x.size(1);
  const Tensor ratio = exp(log_ratio), alpha = 1.0 / sqrt(square(ratio) + 1.0), both = ratio * square(alpha);
  // Along the flow dx/dℓ = cos t sin t dx/dt.
  const Map f = [&](const Variable& rows) {
    return network(slice(rows, 1, 0, width), slice(rows, 1, width, width + 1));
  };
  const auto along = jvp(f, concat(std::vector<Tensor>{x, log_ratio}, 1),
                         concat(std::vector<Tensor>{both * velocity, ones_like(log_ratio)}, 1));
  return {along.value, square(alpha) * (velocity - along.value) - (both * x + along.tangent) * cast(r, x.dtype())};
}

void ConsistencyTraining::set_progress(double part) {
  const double r = warmup_ > 0 ? std::min(1.0, part / warmup_) : 1;
  if (!(r_.device() == default_device())) r_ = full({}, r, float64);
  else overwrite(r_, full({}, r, float64));
}

Variable ConsistencyTraining::loss(const Tensor& batch, Rng& rng, const Tensor& context) const {
  const int64_t n = batch.size(0);
  const NoisyBatch at(denoiser_, batch, rng, context);
  const Tensor given = denoiser_.settings().guidance.training_rows("diffusion loss", context, n, batch.dtype(), rng);
  const ConsistencySlope target = slope_at(at, given);
  const Variable error = denoiser_.raw(at.x, at.log_ratio, given) - Variable(target.network + target.slope);
  return sum(square(error)) / double(n);
}

ConsistencySlope ConsistencyTraining::slope_at(const NoisyBatch& at, const Tensor& given) const {
  const Tensor velocity = express(Prediction::velocity, at.truth, at.alpha, at.sigma);
  const VelocityNetwork network = [&](const Variable& x, const Variable& log_ratio) {
    return denoiser_.raw(x, log_ratio, given);
  };
  return consistency_slope(network, at.x, at.log_ratio, velocity, r_);
}

std::vector<VitalSign> ConsistencyTraining::vital_signs(const Tensor& batch, Rng& rng, const Tensor& context) const {
  // Pairing takes the square of the number of rows and more.
  const bool few = denoiser_.settings().pairing != Pairing::independent;
  const int64_t n = few ? std::min<int64_t>(batch.size(0), 512) : batch.size(0);
  const Tensor some = slice(batch, 0, 0, n);
  const Tensor rows = context.defined() && context.size(0) > n ? slice(context, 0, 0, n) : context;
  const NoisyBatch at(denoiser_, some, rng, rows);
  const Tensor given = denoiser_.settings().guidance.training_rows("diffusion loss", rows, n, batch.dtype(), rng);
  const ConsistencySlope found = slope_at(at, given);
  // The rows of a noisy batch are sorted by their noise.
  const Tensor level = reshape(arange(0, double(n), 1, batch.dtype()), {n, 1}) * (1 / double(n));
  return loss_by_level("noise", level, found.network, found.network + found.slope);
}

}  // namespace pf
