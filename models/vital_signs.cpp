#include "models/vital_signs.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "models/metrics/energy_distance.h"
#include "models/metrics/mmd.h"
#include "models/metrics/mode_coverage.h"
#include "nn/data/synthetic.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// Of an invertible map: how far push(pull(x)) is from x, and how much it stretches space, in nats.
void add_inversion_signs(const Model& model, const Tensor& x, const Tensor& context, int64_t most,
                         std::vector<VitalSign>& signs) {
  const Transform& map = model.inner();
  const Traits traits = map.traits();
  if (!traits.invertible) return;
  const int64_t count = std::min<int64_t>(x.size(0), map.width() <= 16 ? most : 16);
  const Tensor some = slice(x, 0, 0, count), given = context.defined() ? slice(context, 0, 0, count) : context;
  Tensor z;
  const bool cheap = traits.density == DensityKind::exact || (traits.density == DensityKind::ode && map.width() <= 16);
  if (traits.smooth && cheap) {
    const Mapped pulled = map.pull_with_log_det(Variable(some), given);
    z = pulled.value.value();
    signs.push_back({"least log-determinant", -max(pulled.log_det.value()).item(), {}});
    signs.push_back({"greatest log-determinant", -min(pulled.log_det.value()).item(), {}});
  } else {
    z = map.pull(Variable(some), given).value();
  }
  const Tensor distance = abs(map.push(Variable(z), given).value() - some) / (abs(some) + 1.0);
  const double worst = max(distance).item();
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", worst);
  const bool close = worst < std::max(0.05, traits.inverse_error);
  signs.push_back({"inverse error", worst, close ? std::string() : join("inverse off by ", text)});
}

/// The same; what cannot be inverted, such as where a solver gives up, is a verdict and not the end of the training.
void try_inversion(const Model& model, const Tensor& x, const Tensor& context, int64_t most,
                   std::vector<VitalSign>& signs) {
  try {
    add_inversion_signs(model, x, context, most, signs);
  } catch (const Error& error) { signs.push_back({"inverse error", NAN, join("no inverse: ", error.what())}); }
}

const Modes* modes_of(const Dataset& data) {
  for (const Synthetic& set : synthetic_sets())
    if (set.name == data.name && set.modes && data.dim() == 2) return &*set.modes;
  return nullptr;
}

VitalSign modes_sign(const Model& model, const Dataset& data, const Modes& modes, int64_t samples, Rng& rng) {
  const ModeCoverage found = mode_coverage(model.sample(samples, rng, context_for(data.train_context, samples)), modes);
  const bool all = found.captured == found.modes;
  return {"modes found", double(found.captured),
          all ? std::string() : join("collapsed: ", found.captured, " of ", found.modes, " modes")};
}

/// Samples under the conditions of the rows that they are compared with. rows: normalised, with a context for each.
void add_sample_signs(const Model& model, const Tensor& rows, const Tensor& context, Rng& rng,
                      std::vector<VitalSign>& signs) {
  const int64_t n = std::min<int64_t>(rows.size(0) / 2, 512);
  if (n < 16) return;
  const Tensor real = contiguous(slice(rows, 0, 0, n)), other = contiguous(slice(rows, 0, n, 2 * n));
  const Tensor given = context.defined() ? slice(context, 0, 0, n) : context;
  const Tensor z = model.inner().base().sample(n, rng, rows.dtype());
  const Estimate found = energy_distance(model.inner().push(Variable(z), given).value(), real),
                 floor = energy_distance(other, real);
  // Of a mean distance of 1 between rows a point in their middle is about 0.4 away, a normal law in place of two moons 0.02.
  const bool far = found.value > 0.03 * median_distance(real) && found.value > floor.value + 3 * found.error;
  char text[96];
  std::snprintf(text, sizeof text, "samples are far from the data: energy distance %.2g, floor %.2g", found.value,
                floor.value);
  signs.push_back({"energy distance to data", found.value, far ? std::string(text) : std::string()});
  signs.push_back({"energy distance, floor", floor.value, {}});
}

}  // namespace

std::vector<VitalSign> vital_signs(const Model& model, const Dataset& data) {
  Rng rng = Rng(model.config().seed).child(10);
  const Tensor rows = slice(data.train, 0, 0, std::min<int64_t>(data.train.size(0), 2048));
  const Tensor context =
      data.train_context.defined() ? slice(data.train_context, 0, 0, rows.size(0)) : data.train_context;
  std::vector<VitalSign> signs = model.objective().vital_signs(model.normalise(rows, rng), rng, context);
  try_inversion(model, model.normalise(rows, rng), context, 512, signs);
  if (const Modes* modes = modes_of(data)) signs.push_back(modes_sign(model, data, *modes, 2500, rng));
  else if (model.inner().traits().density == DensityKind::none)
    add_sample_signs(model, model.normalise(rows, rng), context, rng, signs);
  return signs;
}

std::vector<VitalSign> quick_signs(const Model& model, const Dataset& data, const Tensor& batch,
                                   const Tensor& context) {
  Rng rng = Rng(model.config().seed).child(11);
  const Traits traits = model.inner().traits();
  std::vector<VitalSign> signs = model.objective().vital_signs(batch, rng, context);
  if (traits.density == DensityKind::exact && traits.smooth && model.config().width <= 64)
    try_inversion(model, batch, context, 32, signs);
  const Modes* modes = modes_of(data);
  if (modes && traits.density == DensityKind::none && traits.steps == 1)
    signs.push_back(modes_sign(model, data, *modes, 1000, rng));
  return signs;
}

std::string verdict_of(const std::vector<VitalSign>& signs) {
  std::string verdict;
  for (const VitalSign& sign : signs)
    if (!sign.warning.empty()) verdict += (verdict.empty() ? "" : "; ") + sign.warning;
  if (!verdict.empty()) return verdict;
  return signs.empty() ? "not judged" : "ok";
}

}  // namespace pf
