#include <cmath>
#include <iostream>

#include "models/cli/command.h"
#include "models/cli/input.h"
#include "models/cli/output.h"
#include "models/metrics/evaluate.h"
#include "models/train.h"

namespace pf::cli {
namespace {

struct Options {
  std::string folder, data;
  std::vector<std::string> settings;
  EvaluateOptions evaluation;
  uint64_t seed = 0;
  bool json = false;
};

void print(const std::vector<Metric>& metrics, bool json) {
  if (json) {
    for (const Metric& m : metrics)
      std::cout << json_line({{"metric", m.name},
                              {"value", m.value},
                              {"standard_error", m.error},
                              {"floor", m.floor},
                              {"kind", m.kind},
                              {"unit", m.unit},
                              {"lower_is_better", m.lower_is_better},
                              {"note", m.note}})
                << '\n';
    return;
  }
  Table table({"metric", "value", "floor", "unit", "kind"});
  for (const Metric& m : metrics) table.add({m.name, with_error(m.value, m.error), brief(m.floor), m.unit, m.kind});
  std::cout << table.text()
            << "floor: what real data get against real data; for the NLL the entropy of the data, where it is known\n";
}

}  // namespace

void add_evaluate(Program& program) {
  auto o = std::make_shared<Options>();
  Command command = program.add("evaluate", "compare samples of a model with data: all metrics, with floors");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("--data", &o->data, "data set; by default the one trained on");
  command.option("--samples", &o->evaluation.samples, "samples drawn from the model");
  command.option("--seed", &o->seed, "of samples and estimates");
  add_settings(command, o->settings);
  command.flag("--json", o->json, "one JSON object a metric");
  command.machine();
  command.action([o] {
    const Model model = load_model(o->folder, o->settings);
    const Dataset data = data_for(model.config(), o->data);
    Rng rng = Rng(o->seed).child(4);
    print(evaluate(model, data, rng, o->evaluation), o->json);
  });
}

}  // namespace pf::cli
