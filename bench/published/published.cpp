#include "bench/published/published.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "models/flow_matching/rectified_flow.h"
#include "models/metrics/exact_w2.h"
#include "models/metrics/path_energy.h"
#include "nn/data/batches.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/suggest.h"

namespace pf::bench {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

struct Figures {
  const char* method;
  Pairing pairing;
  int64_t reflows;
  Spread w2[4], npe[4];  // in the order of published_tasks()
};
const Figures table[] = {
    {"i-cfm",
     Pairing::independent,
     0,
     {{.373, .103}, {.178, .014}, {.242, .141}, {1.557, .407}},
     {{.202, .055}, {.891, .120}, {.856, .031}, {2.680, .292}}},
    {"ot-cfm",
     Pairing::optimal,
     0,
     {{.303, .043}, {.130, .016}, {.144, .028}, {.601, .027}},
     {{.031, .027}, {.083, .009}, {.027, .012}, {.015, .010}}},
    {"rf",
     Pairing::independent,
     1,
     {{.421, .071}, {.283, .045}, {.345, .079}, {1.525, .330}},
     {{.044, .031}, {.130, .078}, {.099, .066}, {.203, .090}}},
    {"sb-cfm",
     Pairing::entropic,
     0,
     {{2.314, 2.112}, {.434, .594}, {.341, .468}, {none, none}},
     {{1.000, none}, {.995, none}, {.745, none}, {none, none}}},
};

double square_of(double x) { return x * x; }

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  Spread out;
  for (double v : values) out.mean += v / double(values.size());
  if (values.size() < 2) return out;
  double sum = 0;
  for (double v : values) sum += square_of(v - out.mean);
  out.deviation = std::sqrt(sum / double(values.size() - 1));
  return out;
}

const std::vector<PublishedRow>& published_rows() {
  static const std::vector<PublishedRow> rows = [] {
    std::vector<PublishedRow> out;
    for (const Figures& f : table)
      for (size_t k = 0; k < published_tasks().size(); ++k)
        out.push_back({f.method, f.pairing, f.reflows, &published_tasks()[k], f.w2[k], f.npe[k]});
    return out;
  }();
  return rows;
}

std::vector<PublishedRow> rows_of(const std::string& names) {
  std::vector<PublishedRow> out;
  std::vector<std::string> known{"all"};
  for (const PublishedRow& row : published_rows()) {
    known.push_back(row.name());
    known.push_back(row.method);
    known.push_back(row.task->name);
  }
  for (size_t at = 0; at <= names.size();) {
    const size_t comma = std::min(names.find(',', at), names.size());
    const std::string name = names.substr(at, comma - at);
    at = comma + 1;
    const size_t before = out.size();
    for (const PublishedRow& row : published_rows())
      if (name == "all" || name == row.name() || name == row.method || name == row.task->name) out.push_back(row);
    if (out.size() == before)
      throw UsageError("row '" + name + "': there is none of this name" + did_you_mean(name, known) +
                       "; expected a method (i-cfm, ot-cfm, rf, sb-cfm), a task (8gaussians, moons, scurve, "
                       "moons-8gaussians), or both, as ot-cfm/moons");
  }
  return out;
}

Outcome reproduce(const PublishedRow& row, const Protocol& protocol, uint64_t seed) {
  const auto started = std::chrono::steady_clock::now();
  const Rng root(seed);
  Rng data = root.child(1), first_weights = root.child(2), training = root.child(3), fresh = root.child(4);
  const int64_t n = protocol.points;
  check(n >= protocol.batch, "published protocol: ", n, " points and batches of ", protocol.batch,
        ": expected at least one batch of points");

  const Tensor end = row.task->end(n, data);
  std::shared_ptr<const Distribution> base = std::make_shared<Normal>(2);
  if (row.task->from_data) base = std::make_shared<Empirical>(row.task->start(n, data));
  FlowMatchingSettings settings{
      .hidden = 64, .depth = 3, .activation = Activation::selu, .keeps_teacher = row.reflows > 0};
  settings.sampling = {.method = OdeMethod::euler, .steps = protocol.euler_steps};
  FlowMatching model(base, settings, first_weights);
  std::unique_ptr<Objective> objective = std::make_unique<VelocityMatching>(model, row.pairing, protocol.sigma);
  if (row.reflows > 0) objective = std::make_unique<Rectification>(model, row.reflows);

  Outcome out;
  Batches batches(end, protocol.batch, root.child(5));
  Adam optimizer({.weight_decay = 1e-5});
  const std::vector<Field> parameters = parameters_of(model);
  const int64_t stage = protocol.training_steps(), steps = stage * (row.reflows + 1),
                last = std::max<int64_t>(1, stage / 10);
  for (int64_t step = 0; step < steps; ++step) {
    if (step > 0 && step % stage == 0) objective->begin_stage(step / stage);
    const Tensor batch = batches.next().x;
    auto [loss, gradients] = value_and_grad(parameters, [&] { return objective->loss(batch, training); });
    optimizer.update(parameters, gradients, 1e-3);
    if (step >= steps - last) out.loss += loss.item() / double(last);
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  const Tensor from = row.task->start(n, fresh), to = row.task->end(n, fresh);
  out.w2 = exact_w2(model.push(Variable(from)).value(), to).value;
  out.floor = exact_w2(end, to).value;
  out.squared_w2 = square_of(exact_w2(from, to).value);
  const OdeField field = [&](double t, const OdeState& x) { return OdeState{model.velocity()(x[0], t)}; };
  out.energy = path_energy(field, from, settings.sampling).energy.value;
  out.npe = normalised_path_energy(out.energy, out.squared_w2);
  return out;
}

Spread Reproduction::spread(double Outcome::*number) const {
  std::vector<double> values;
  for (const Outcome& outcome : outcomes) values.push_back(outcome.*number);
  return spread_of(values);
}

namespace {
// Without a published deviation the mean itself is the limit.
bool reached(double found, const Spread& published) {
  if (std::isnan(published.mean)) return true;
  return found <= published.mean + (std::isnan(published.deviation) ? 0 : published.deviation);
}
}  // namespace

bool Reproduction::w2_reached() const { return reached(spread(&Outcome::w2).mean, row.w2); }
bool Reproduction::npe_reached() const { return reached(spread(&Outcome::npe).mean, row.npe); }

}  // namespace pf::bench
