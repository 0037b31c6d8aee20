#include "models/transfer/latent_prior.h"

#include <algorithm>

#include "models/transfer/fit.h"
#include "tensor/ops/join.h"
#include "tensor/ops/special.h"

namespace pf {
namespace {

constexpr int64_t widest = 16;

/// Where the rows come from, as points of N(0, I): [n, base width].
Tensor pulled_back(const Transform& map, const Tensor& rows) {
  constexpr int64_t piece = 500;
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < rows.size(0); i += piece) {
    const Tensor x = slice(rows, 0, i, std::min(rows.size(0), i + piece));
    const Tensor z = map.traits().invertible ? map.pull(Variable(x)).value() : map.encode(x);
    // A point at the edge of the base, where rounding has left no quantile, counts as one 4 deviations out.
    parts.push_back(cast(ndtri(clamp(cast(map.base().to_uniform(z), float64), 3e-5, 1 - 3e-5)), x.dtype()));
  }
  return concat(parts, 0);
}

}  // namespace

std::string why_not_latent_prior(const Transform& map) {
  const int64_t width = map.base().width();
  if (!map.traits().smooth) return "its map is a step function: many points of the noise lead to one of the data";
  if (width < 2) return "its noise has one coordinate, and the flow that would learn its law couples two";
  if (width > widest) return join("its noise has ", width, " coordinates; learned are laws of up to ", widest);
  if (!map.traits().invertible && width > map.width())
    return join("its noise has ", width, " coordinates for ", map.width(),
                " of the data, so that many points of it lead to one");
  return {};
}

std::unique_ptr<FlowDensity> fit_latent_prior(const Transform& map, const Tensor& rows, Rng& rng,
                                              const LatentPriorOptions& options) {
  const std::string why_not = why_not_latent_prior(map);
  check(why_not.empty(), "latent prior: ", why_not);
  check(rows.size(0) >= 16, "latent prior: ", rows.size(0), " rows: expected at least 16");
  const Tensor z = pulled_back(map, slice(rows, 0, 0, std::min(options.rows, rows.size(0))));
  auto prior = std::make_unique<FlowDensity>(z.size(1), CouplingSettings{.layers = 4, .hidden = 64, .bound = 4}, rng);
  fit(parameters_of(*prior), Batches(z, std::min(options.batch, z.size(0)), rng.child(1)), options.steps, options.rate,
      5, [&](const Tensor& batch) { return prior->loss(batch, rng); });
  return prior;
}

}  // namespace pf
