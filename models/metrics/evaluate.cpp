#include "models/metrics/evaluate.h"

#include <algorithm>

#include "models/metrics/calibration.h"
#include "models/metrics/classifier_two_sample.h"
#include "models/metrics/energy_distance.h"
#include "models/metrics/exact_w2.h"
#include "models/metrics/frechet.h"
#include "models/metrics/likelihood.h"
#include "models/metrics/mmd.h"
#include "models/metrics/mode_coverage.h"
#include "models/metrics/neighbours.h"
#include "models/metrics/sliced_w2.h"
#include "models/report/pictures.h"
#include "tensor/ops/index.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

constexpr int64_t exact_w2_rows = 2000, pairwise_rows = 4000, neighbour_rows = 2000, neighbours = 5;
constexpr int64_t frechet_columns = 64, calibration_columns = 16;  // beyond, they take longer than all the rest

/// `count` of the rows, by chance; none of an undefined tensor.
Tensor some_rows(const Tensor& rows, int64_t count, Rng rng) {
  if (!rows.defined()) return rows;
  return index_select(rows, 0, slice(rng.permutation(rows.size(0)), 0, 0, count));
}

Tensor first_rows(const Tensor& x, int64_t count) { return contiguous(slice(x, 0, 0, std::min(count, x.size(0)))); }

int64_t default_density_rows(const Transform& transform) {
  switch (transform.traits().density) {
    case DensityKind::exact:
      return 10000;
    case DensityKind::ode:
      return transform.width() <= 16 ? 2000 : 200;
    default:
      return 2000;
  }
}

void add_likelihood(std::vector<Metric>& out, const Model& model, const Dataset& data, Rng& rng,
                    const EvaluateOptions& options) {
  const Traits traits = model.transform().traits();
  if (traits.density == DensityKind::none) return;
  const int64_t wanted = options.density_rows > 0 ? options.density_rows : default_density_rows(model.transform());
  const int64_t count = std::min(wanted, data.test.size(0));
  const Tensor rows = some_rows(data.test, count, rng.child(1));
  Rng estimates = rng.child(2);
  const LogDensity density = model.log_density(rows, estimates, some_rows(data.test_context, count, rng.child(1)));
  const Estimate nats = negative_log_likelihood(density);
  // A probability of 0 and 1 is no density, and no column of a table may hold both. Whole numbers with noise added have a
  // density that bounds their probability, so those share a column.
  const std::string suffix = model.data_kind() == DataKind::binary                         ? ", binarised"
                             : model.data_kind() == DataKind::integers && data.levels == 0 ? ", whole numbers"
                                                                                           : "";
  Metric metric{.name = "NLL" + suffix, .value = nats.value, .error = nats.error, .kind = name_of(density.kind)};
  if (data.entropy && suffix.empty()) metric.floor = *data.entropy;
  metric.note = join(density.note, "; ", rows.size(0), " test rows");
  metric.unit = "nats";
  out.push_back(metric);
  if (!data.image) return;
  const Estimate bits = bits_per_dimension(nats, data.dim());
  metric.name = "bits/dim" + suffix;
  metric.value = bits.value;
  metric.error = bits.error;
  metric.unit = "bits";
  out.push_back(metric);
}

void add_neighbours(std::vector<Metric>& out, const Tensor& real, const Tensor& fake, const Tensor& other) {
  const NeighbourMetrics found = neighbour_metrics(real, fake, neighbours),
                         floor = neighbour_metrics(real, other, neighbours);
  auto add = [&](const char* name, Estimate NeighbourMetrics::*which, const char* what) {
    out.push_back({.name = name,
                   .value = (found.*which).value,
                   .error = (found.*which).error,
                   .floor = (floor.*which).value,
                   .lower_is_better = false,
                   .note = join(what, "; balls to the ", neighbours, "th neighbour, ", real.size(0), " samples")});
  };
  add("precision", &NeighbourMetrics::precision, "part of the samples within the ball of a real point");
  add("recall", &NeighbourMetrics::recall, "part of the real points within the ball of a sample");
  add("density", &NeighbourMetrics::density, "real balls around a sample, over the number of neighbours");
  add("coverage", &NeighbourMetrics::coverage, "part of the real balls that hold a sample");
}

void add_calibration(std::vector<Metric>& out, const Model& model, const Tensor& rows, const Tensor& context) {
  if (!model.transform().traits().invertible || model.data_kind() != DataKind::real || model.config().levels > 0 ||
      rows.size(1) > calibration_columns)
    return;
  const Uniformity found = uniformity(model.transform().base().to_uniform(model.pull(rows, context)));
  out.push_back({.name = "calibration",
                 .value = found.largest.value,
                 .error = found.largest.error,
                 .floor = found.expected,
                 .note = join("largest Kolmogorov–Smirnov distance of a coordinate of the base points of ",
                              rows.size(0), " test rows from its law, p = ", found.p_value)});
}

}  // namespace

std::vector<Metric> evaluate(const Model& model, const Dataset& data, Rng& rng, const EvaluateOptions& options) {
  check(data.dim() == model.config().width, "evaluate: ", data.name, " has ", data.dim(), " columns and the model ",
        model.config().width);
  const int64_t n = std::min({options.samples, data.test.size(0), data.train.size(0)});
  check(n >= 16, "evaluate: ", options.samples, " samples against ", data.test.size(0), " test and ",
        data.train.size(0), " training rows: expected at least 16 of each");
  const Rng own = rng.split();
  Rng likelihood_rng = own.child(1), sampling = own.child(2), directions_rng = own.child(5);
  std::vector<Metric> out;
  add_likelihood(out, model, data, likelihood_rng, options);

  const bool binary = model.data_kind() == DataKind::binary;
  const auto comparable = [&](const Tensor& x) { return data.image ? to_unit_pixels(model.config(), x) : x; };
  Rng drawing = own.child(7);
  const auto seen = [&](const Tensor& rows) {  // what the model is a model of
    return comparable(binary ? model.denormalise(model.normalise(rows, drawing)) : rows);
  };
  // Of a conditional model samples under the conditions of the very rows that they are compared with.
  const Tensor samples = model.sample(n, sampling, some_rows(data.test_context, n, own.child(3)));
  const Tensor fake = comparable(samples), real = seen(some_rows(data.test, n, own.child(3))),
               other = seen(some_rows(data.train, n, own.child(4)));
  auto add = [&](const char* name, const Estimate& e, const Estimate& floor, std::string note) {
    out.push_back({.name = name, .value = e.value, .error = e.error, .floor = floor.value, .note = std::move(note)});
  };

  // The distance of one draw of the data to another differs much from draw to draw: floors are of several.
  const auto floor_of = [&](int64_t rows, const auto& distance) {
    double sum = 0;
    for (const uint64_t child : {4, 8, 9})
      sum += distance(first_rows(seen(some_rows(data.train, n, own.child(child))), rows)).value;
    return Estimate{sum / 3};
  };
  const Tensor directions = random_directions(options.directions, data.dim(), directions_rng);
  add("sliced W2", sliced_w2(fake, real, directions),
      floor_of(n, [&](const Tensor& rows) { return sliced_w2(rows, real, directions); }),
      join(n, " samples, ", options.directions, " directions"));
  const int64_t m = std::min(n, exact_w2_rows), p = std::min(n, pairwise_rows);
  const Tensor fake_m = first_rows(fake, m), real_m = first_rows(real, m);
  add("exact W2", exact_w2(fake_m, real_m), floor_of(m, [&](const Tensor& rows) { return exact_w2(rows, real_m); }),
      join("square root of the mean squared distance under the optimal assignment of ", m, " samples"));
  const Tensor fake_p = first_rows(fake, p), real_p = first_rows(real, p), other_p = first_rows(other, p);
  const double scale = median_distance(real);
  add("MMD²", mmd2_mixture(fake_p, real_p, scale), mmd2_mixture(other_p, real_p, scale),
      join(p, " samples, Gaussian kernels of 1/4 to 4 times the median distance ", scale, ", unbiased"));
  add("energy distance", energy_distance(fake_p, real_p), energy_distance(other_p, real_p),
      join(p, " samples, unbiased"));
  if (data.dim() <= frechet_columns)
    add("Fréchet distance", gaussian_frechet(fake, real), gaussian_frechet(other, real),
        join("squared, of the Gaussians fitted to the vectors of ", n, " samples"));
  Rng classifier = own.child(6);
  const Estimate told = classifier_accuracy(fake_m, real_m, classifier);
  add("classifier", told, {0.5},
      join("part of ", 2 * m, " held-out rows that a network tells apart, over 5 folds; ½ is the best model"));
  const int64_t k = std::min(n, neighbour_rows);
  add_neighbours(out, first_rows(real, k), first_rows(fake, k), first_rows(other, k));
  const Tensor test_rows = some_rows(data.test, n, own.child(3));
  add_calibration(out, model, test_rows, some_rows(data.test_context, n, own.child(3)));

  for (const Synthetic& set : synthetic_sets()) {
    if (set.name != data.name || !set.modes || data.dim() != 2) continue;
    const ModeCoverage c = mode_coverage(samples, *set.modes);
    out.push_back({.name = "modes",
                   .value = double(c.captured),
                   .error = double(c.modes) * proportion(double(c.captured), double(c.modes)).error,
                   .floor = double(c.modes),
                   .lower_is_better = false,
                   .note = join("with at least one of ", n, " samples within 3 standard deviations; ", c.well_captured,
                                " hold at least a tenth of their share")});
    out.push_back({.name = "high quality",
                   .value = c.high_quality.value,
                   .error = c.high_quality.error,
                   .floor = high_quality_ceiling,
                   .lower_is_better = false,
                   .note = "part of the samples within 3 standard deviations of a mode; the floor is the true law's"});
  }
  if (binary)
    for (Metric& metric : out)
      if (metric.kind.empty()) metric.kind = "binarised";
  return out;
}

}  // namespace pf
