#include <filesystem>
#include <iostream>

#include "models/cli/input.h"
#include "models/report/pictures.h"
#include "models/tempering.h"
#include "models/train.h"
#include "models/transfer/refinement.h"
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

struct Options {
  std::string folder, out;
  std::vector<std::string> settings;
  int64_t count = 1000, refine = 0;
  uint64_t seed = 0;
  double temperature = 1;
  std::optional<double> truncation;
  std::string refine_space = "noise", divergence = "kl";
  RefinementOptions refinement;
  ConditionOptions condition;
};

/// Samples moved towards the data by a critic that is trained here, on the data that the model was trained on.
Tensor refined(const Model& model, const Tensor& z, const Tensor& context, const Options& o, Rng& rng) {
  const bool in_noise = o.refine_space == "noise";
  if (!in_noise && model.data_kind() != DataKind::real)
    throw UsageError(join("--refine-space data: the samples of this ", model.config().family,
                          " are whole numbers, which cannot be moved along a gradient; use --refine-space noise"));
  RefinementOptions options = o.refinement;
  options.flow.steps = o.refine;
  options.flow.divergence = parse_flow_divergence(o.divergence);
  const Dataset data = data_for(model.config());
  std::cerr << "training a critic: " << options.critic_steps << " steps\n";
  const Refinement refine(model.inner(), model.normalise(data.train, rng), rng, options, data.train_context);
  if (in_noise) return model.push(refine.refined_noise(z, rng, context), context);
  return model.denormalise(refine(model.inner().push(Variable(z), context).value(), rng, context));
}

void run(const Options& o) {
  const std::string ending = std::filesystem::path(o.out).extension();
  if (ending != ".npy" && ending != ".png")
    throw UsageError(join("--out ", o.out, ": expected a name that ends in .npy or .png"));
  if (o.refine_space != "noise" && o.refine_space != "data")
    throw UsageError(join("--refine-space ", o.refine_space, ": expected noise or data"));
  parse_flow_divergence(o.divergence);
  const Model model = load_model(o.folder, o.settings);
  Rng rng(o.seed);
  const Tensor z = tempered_noise(model.transform().base(), o.count, rng,
                                  {.temperature = o.temperature, .truncation = o.truncation});
  const Tensor context = context_of_samples(o.condition, model.config(), o.count);
  const Tensor x = o.refine > 0 ? refined(model, z, context, o, rng) : model.push(z, context);
  if (ending == ".npy") write_npy(o.out, x);
  else write_sample_picture(o.out, model.config(), x);
  std::cout << o.count << " samples of " << model.config().family << " (" << model.config().data << ")";
  if (o.refine > 0) std::cout << ", refined in " << o.refine << " steps,";
  std::cout << " in " << o.out << '\n';
}

}  // namespace

void add_sample(Program& program) {
  auto o = std::make_shared<Options>();
  Command command = program.add("sample", "draw samples from a trained model");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("-n,--count", &o->count, "how many", {.least = 1, .most = 10000000});
  command.option("--out", &o->out, "x.npy for the numbers, x.png for a picture", {.required = true});
  command.option("--seed", &o->seed, "of the base noise");
  command.option("--temperature", &o->temperature, "spread of the noise: below 1 for typical samples", {.least = 1e-6});
  command.option("--truncation", &o->truncation, "noise beyond so many deviations is drawn anew", {.least = 1e-6});
  command.option("--refine", &o->refine, "so many steps towards the data, by a critic trained for it (DGflow); 0: none",
                 {.least = 0, .most = 1000000});
  command.option("--refine-space", &o->refine_space, "what is moved: noise, or data (the samples themselves)");
  command.option("--divergence", &o->divergence, "which the refinement goes down: kl, js or log-d");
  command.option("--refine-step", &o->refinement.flow.step_size, "length of a step of refinement", {.least = 1e-9});
  command.option("--refine-noise", &o->refinement.flow.noise, "weight of the entropy in the refinement", {.least = 0});
  command.option("--critic-steps", &o->refinement.critic_steps, "training of the critic", {.least = 1});
  add_settings(command, o->settings);
  o->condition.add_to(command);
  command.machine();
  command.action([o] { run(*o); });
}

}  // namespace pf::cli
