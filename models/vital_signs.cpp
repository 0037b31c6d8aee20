#include "models/vital_signs.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "models/metrics/mode_coverage.h"
#include "nn/data/synthetic.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// Of an invertible map: how far push(pull(x)) is from x, and how much it stretches space, in nats.
void add_inversion_signs(const Model& model, const Tensor& x, const Tensor& context, std::vector<VitalSign>& signs) {
  const Transform& map = model.inner();
  const Traits traits = map.traits();
  if (!traits.invertible) return;
  const int64_t count = std::min<int64_t>(x.size(0), map.width() <= 16 ? 512 : 16);
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

}  // namespace

std::vector<VitalSign> vital_signs(const Model& model, const Dataset& data) {
  Rng rng = Rng(model.config().seed).child(10);
  const Tensor rows = slice(data.train, 0, 0, std::min<int64_t>(data.train.size(0), 2048));
  const Tensor context =
      data.train_context.defined() ? slice(data.train_context, 0, 0, rows.size(0)) : data.train_context;
  std::vector<VitalSign> signs = model.objective().vital_signs(model.normalise(rows, rng), rng, context);
  try {
    add_inversion_signs(model, model.normalise(rows, rng), context, signs);
  } catch (const Error& error) {  // such as a solver that gave up: a verdict, not the end of the training
    signs.push_back({"inverse error", NAN, join("no inverse: ", error.what())});
  }
  for (const Synthetic& set : synthetic_sets()) {
    if (set.name != data.name || !set.modes || data.dim() != 2) continue;
    const ModeCoverage found =
        mode_coverage(model.sample(2500, rng, context_for(data.train_context, 2500)), *set.modes);
    const std::string warning =
        found.captured < found.modes ? join("collapsed: ", found.captured, " of ", found.modes, " modes") : "";
    signs.push_back({"modes found", double(found.captured), warning});
  }
  return signs;
}

std::string verdict_of(const std::vector<VitalSign>& signs) {
  std::string verdict;
  for (const VitalSign& sign : signs)
    if (!sign.warning.empty()) verdict += (verdict.empty() ? "" : "; ") + sign.warning;
  return verdict.empty() ? "ok" : verdict;
}

}  // namespace pf
