#include "models/latent_guidance.h"

#include <cmath>

#include "autograd/apply.h"
#include "tensor/ops/index.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"

namespace pf {
namespace {

/// Systematic resampling: chain i as often as its weight says, to within one.
Tensor chosen_by_weight(const Tensor& log_weights, Rng& rng) {
  const std::vector<double> weights = softmax(log_weights, -1).to_vector<double>();
  const double n = double(weights.size());
  std::vector<double> index;
  double place = rng.uniform(), sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i] * n;
    for (; place < sum && index.size() < weights.size(); place += 1) index.push_back(double(i));
  }
  while (index.size() < weights.size()) index.push_back(n - 1);
  return tensor(index, int64);
}

}  // namespace

Guided guide(const Transform& map, const RowEnergy& energy, int64_t n, Rng& rng, const GuidanceOptions& options,
             const Tensor& context, DType dtype) {
  check(n >= 1, "guidance: ", n, " samples: expected at least 1");
  // Chains change places, so all must stand for the same law.
  check(!context.defined() || context.size(0) == 1, "guidance: a condition of shape ", context.shape(),
        ": expected one row for all samples");
  const int64_t width = map.base().width();
  const Normal normal(width);
  const bool smooth = map.traits().smooth;
  auto push = [&](const Variable& w) {
    const Variable z = map.base().from_normal(w);
    return smooth ? map.push(z, context) : map.push_relaxed(z, options.temperature, context);
  };
  const RowDensity prior = [&](const Variable& w) { return normal.log_density(w); };
  const RowDensity likelihood = [&](const Variable& w) { return -energy(push(w)); };

  const Annealed annealed = anneal(rng.normal({n, width}, dtype), prior, likelihood,
                                   annealing_schedule(options.distributions), options.chains, rng);
  HamiltonianOptions moves = options.chains;
  moves.step = annealed.step;
  HamiltonianChains chains(index_select(annealed.points, 0, chosen_by_weight(annealed.log_weights, rng)), moves);
  const RowDensity target = [&](const Variable& w) { return prior(w) + likelihood(w); };
  for (int64_t i = 0; i < options.moves; ++i) chains.move(target, rng, false);

  double log_evidence = logsumexp(annealed.log_weights, -1).item() - std::log(double(n));
  Variable z = map.base().from_normal(Variable(chains.points()));
  if (!smooth) {
    const Tensor exact = energy(map.push(z, context)).value(), walked = energy(push(Variable(chains.points()))).value();
    const Tensor log_weights = cast(walked, float64) - cast(exact, float64);
    log_evidence += logsumexp(log_weights, -1).item() - std::log(double(n));
    z = Variable(index_select(z.value(), 0, chosen_by_weight(log_weights, rng)));
  }
  return {z.value(), map.push(z, context).value(), log_evidence, chains.acceptance()};
}

RowEnergy observation_energy(const Tensor& y, double noise) {
  check(y.rank() == 1, "observation: ", y.shape(), ": expected [width], NaN for what is not known");
  check(noise > 0, "observation: a noise of ", noise, ": expected a positive number");
  std::vector<double> values = cast(y, float64).to_vector<double>(), known;
  for (double& v : values) {
    known.push_back(std::isnan(v) ? 0 : 1);
    if (std::isnan(v)) v = 0;
  }
  const int64_t width = y.size(0);
  const Tensor centre = tensor(values, {1, width}, float64), mask = tensor(known, {1, width}, float64);
  return [=](const Variable& x) {
    const Variable miss = (x - Variable(cast(centre, x.dtype()))) * Variable(cast(mask, x.dtype()));
    return sum(square(miss), -1) * (0.5 / (noise * noise));
  };
}

}  // namespace pf
