#include "models/annealed_importance.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"

namespace pf {

NoisyMap::NoisyMap(const Transform& map, double sigma) : map_(map), sigma_(sigma) {
  check(sigma > 0, "annealed importance sampling: noise of deviation ", sigma,
        ": expected a positive number; without noise the points of the map have no likelihood");
  check(map.traits().smooth, "annealed importance sampling: the map is a step function, which has no slope to follow");
}
Tensor NoisyMap::sample_prior(int64_t n, Rng& rng, DType dtype) const {
  return rng.normal({n, map_.base().width()}, dtype);
}
Variable NoisyMap::log_prior(const Variable& z) const { return Normal(z.size(1)).log_density(z); }
Variable NoisyMap::log_likelihood(const Tensor& x, const Variable& z, const Tensor& context) const {
  const Variable image = map_.push(map_.base().from_normal(z), context);
  return sum(square(image - Variable(x)), -1) * (-0.5 / (sigma_ * sigma_)) -
         (0.5 * std::log(2 * std::numbers::pi) + std::log(sigma_)) * double(x.size(1));
}

std::vector<double> annealing_schedule(int64_t distributions) {
  check(distributions >= 1, "annealing: ", distributions, " distributions: expected at least 1");
  auto sigmoid = [](double t) { return 1 / (1 + std::exp(-4 * (2 * t - 1))); };
  std::vector<double> betas;
  for (int64_t i = 0; i <= distributions; ++i)
    betas.push_back((sigmoid(double(i) / double(distributions)) - sigmoid(0)) / (sigmoid(1) - sigmoid(0)));
  return betas;
}

Annealed anneal(const Tensor& start, const RowDensity& log_prior, const RowDensity& log_likelihood,
                const std::vector<double>& betas, const HamiltonianOptions& moves, Rng& rng) {
  HamiltonianChains chains(start, moves);
  Tensor log_weights = zeros({start.size(0)}, float64);
  for (size_t i = 0; i + 1 < betas.size(); ++i) {
    const Tensor likelihood = log_likelihood(Variable(chains.points())).value();
    log_weights = log_weights + cast(likelihood, float64) * (betas[i + 1] - betas[i]);
    const double beta = betas[i + 1];
    chains.move([&](const Variable& z) { return log_prior(z) + log_likelihood(z) * beta; }, rng, true);
  }
  return {chains.points(), log_weights, chains.acceptance(), chains.typical_step()};
}

Tensor annealed_importance(const LatentModel& model, const Tensor& x, Rng& rng, const AnnealingOptions& options,
                           const Tensor& context, const Tensor& posterior) {
  check(options.chains >= 1, "annealed importance sampling: ", options.chains, " chains: expected at least 1");
  const int64_t n = x.size(0), k = options.chains;
  if (n == 0) return zeros({0}, float64);
  const bool back = posterior.defined();
  const Tensor rows = repeat_interleave(x, k, 0);
  const Tensor given = context.defined() && context.size(0) == n ? repeat_interleave(context, k, 0) : context;
  const Tensor start = back ? repeat_interleave(posterior, k, 0) : model.sample_prior(n * k, rng, x.dtype());
  std::vector<double> betas = annealing_schedule(options.distributions);
  if (back) std::reverse(betas.begin(), betas.end());
  const Annealed chains = anneal(
      start, [&](const Variable& z) { return model.log_prior(z); },
      [&](const Variable& z) { return model.log_likelihood(rows, z, given); }, betas, options.moves, rng);
  const Tensor mean_weight = logsumexp(reshape(chains.log_weights, {n, k}), -1) - std::log(double(k));
  return back ? -mean_weight : mean_weight;
}

}  // namespace pf
