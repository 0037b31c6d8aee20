#include <filesystem>
#include <iostream>

#include "models/cli/input.h"
#include "models/report/pictures.h"
#include "models/tempering.h"
#include "models/train.h"
#include "tensor/npy.h"

namespace pf::cli {
namespace {

/// As asked for; without a label, the classes in turn.
Tensor context_of_samples(const ConditionOptions& options, const ModelConfig& config, int64_t count) {
  const bool in_turn = config.condition.kind == Condition::Kind::labels;
  const Tensor context = options.context(config, !in_turn);
  if (context.defined() || !in_turn) return context;
  std::vector<double> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(double(i % config.condition.width));
  return config.condition.of_labels(tensor(labels, int64));
}

}  // namespace

void add_sample(Program& program) {
  struct Options {
    std::string folder, out;
    int64_t count = 1000;
    uint64_t seed = 0;
    double temperature = 1;
    std::optional<double> truncation;
    ConditionOptions condition;
  };
  auto o = std::make_shared<Options>();
  Command command = program.add("sample", "draw samples from a trained model");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("-n,--count", &o->count, "how many", {.least = 1, .most = 10000000});
  command.option("--out", &o->out, "x.npy for the numbers, x.png for a picture", {.required = true});
  command.option("--seed", &o->seed, "of the base noise");
  command.option("--temperature", &o->temperature, "spread of the noise: below 1 for typical samples", {.least = 1e-6});
  command.option("--truncation", &o->truncation, "noise beyond so many deviations is drawn anew", {.least = 1e-6});
  o->condition.add_to(command);
  command.machine();
  command.action([o] {
    const std::string ending = std::filesystem::path(o->out).extension();
    if (ending != ".npy" && ending != ".png")
      throw UsageError(join("--out ", o->out, ": expected a name that ends in .npy or .png"));
    const Model model = load_model(o->folder);
    Rng rng(o->seed);
    const Tensor z = tempered_noise(model.transform().base(), o->count, rng,
                                    {.temperature = o->temperature, .truncation = o->truncation});
    const Tensor x = model.push(z, context_of_samples(o->condition, model.config(), o->count));
    if (ending == ".npy") write_npy(o->out, x);
    else write_sample_picture(o->out, model.config(), x);
    std::cout << o->count << " samples of " << model.config().family << " (" << model.config().data << ") in " << o->out
              << '\n';
  });
}

}  // namespace pf::cli
