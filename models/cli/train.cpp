#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "models/cli/command.h"
#include "models/cli/input.h"
#include "models/cli/output.h"
#include "models/train.h"
#include "nn/data/load.h"
#include "nn/data_parallel.h"

namespace pf::cli {
namespace {

struct Options {
  std::string family, data, folder, condition, precision;
  std::optional<int64_t> steps, batch;
  std::optional<double> rate;
  std::vector<std::string> settings;
  uint64_t seed = 0;
  bool resume = false, eager = false;
};

/// A bar that redraws itself on a terminal, a line now and then elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(const std::string& loss_name) : loss_name_(loss_name), terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (terminal_ && drawn_) std::cerr << '\n';
  }

  void operator()(const TrainProgress& p) {
    if (!p.replay.empty() && p.replay != told_) {
      std::cerr << (drawn_ ? "\r\x1b[K" : "") << p.replay << '\n';
      told_ = p.replay;
    }
    const double done = double(p.step) / double(std::max<int64_t>(p.steps, 1));
    const std::string figures = join("step ", p.step, " of ", p.steps, ", loss ", brief(p.loss), ", ",
                                     brief(p.steps_per_second), " steps/s, ", duration(p.seconds_left), " left");
    if (terminal_) {
      const int width = 24, filled = int(done * width);
      std::string bar;
      for (int i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
      std::cerr << "\r\x1b[K" << bar << ' ' << int(done * 100) << " %  " << figures << std::flush;
      drawn_ = true;
    } else if (done >= next_) {
      std::cerr << figures << '\n';
      while (next_ <= done) next_ += 0.1;
    }
    if (!p.signs.empty() && done >= next_signs_) {
      std::cerr << (drawn_ ? "\r\x1b[K" : "") << "  step " << p.step << ": " << in_brief(p.signs) << '\n';
      while (next_signs_ <= done) next_signs_ += 0.2;
    }
  }

 private:
  /// All signs but those of levels, of which there are several alike: of them the greatest.
  static std::string in_brief(const std::vector<VitalSign>& signs) {
    std::string out;
    double worst = -1;
    for (const VitalSign& sign : signs)
      if (sign.name.starts_with("loss at ")) worst = std::max(worst, sign.value);
      else out += (out.empty() ? "" : ", ") + sign.name + " " + brief(sign.value);
    if (worst >= 0) out += (out.empty() ? "" : ", ") + std::string("greatest loss of a level ") + brief(worst);
    for (const VitalSign& sign : signs)
      if (!sign.warning.empty()) out += "; " + sign.warning;
    return out;
  }

  std::string loss_name_, told_;
  bool terminal_, drawn_ = false;
  double next_ = 0, next_signs_ = 0;
};

void check_folder(const Options& o) {
  namespace fs = std::filesystem;
  if (o.folder.empty()) throw UsageError("--out is empty: name a folder for the run");
  if (o.resume) {
    if (!fs::exists(fs::path(o.folder) / "snapshot.safetensors"))
      throw UsageError(join("--resume: ", o.folder, " has no snapshot.safetensors; ",
                            fs::exists(o.folder) ? "remove the folder and " : "", "leave --resume out to start anew"));
    return;
  }
  std::error_code ignored;
  if (fs::exists(o.folder) && !fs::is_directory(o.folder))
    throw UsageError(join("--out ", o.folder, ": a file of this name exists; choose another folder"));
  if (fs::is_directory(o.folder) && !fs::is_empty(o.folder, ignored))
    throw UsageError(join("--out ", o.folder, ": the folder is not empty; choose another, or ",
                          fs::exists(fs::path(o.folder) / "snapshot.safetensors")
                              ? "continue what is there with --resume"
                              : "remove it (it holds no snapshot to go on from)"));
}

void run(const Options& o) {
  Communicator& group = world();
  const bool speaks = group.rank() == 0;
  if (speaks || o.resume) check_folder(o);  // the first process may have begun to write to it
  TrainOptions options;
  std::unique_ptr<Model> model;
  Dataset data;
  if (o.resume) {
    ModelConfig config = load_config(o.folder);
    if (!o.family.empty() && o.family != config.family)
      throw UsageError(join("--resume: ", o.folder, " holds a model of family ", config.family, ", not ", o.family));
    if (!o.data.empty() && o.data != config.data)
      throw UsageError(join("--resume: ", o.folder, " was trained on ", config.data, ", not ", o.data));
    for (const std::string& assignment : o.settings) {
      Settings changed = config.settings;
      changed.set(assignment);
      const std::string key = assignment.substr(0, assignment.find('='));
      if (changed.word(key) != config.settings.word(key))
        throw UsageError(
            join("--resume: ", o.folder, " was made with another ", key, "; a run is continued with its own settings"));
    }
    options = load_train_options(o.folder);
    const int64_t planned = options.steps;
    if (o.steps) options.steps = *o.steps;
    if ((o.batch && *o.batch != options.batch) || (o.rate && *o.rate != options.rate))
      throw UsageError(join("--resume: ", o.folder, " runs with --batch ", options.batch, " --lr ", options.rate,
                            "; a run is continued with its own"));
    if (!o.precision.empty() && parse_precision(o.precision) != options.precision)
      throw UsageError(
          join("--resume: ", o.folder, " was made with another --precision; a run is continued with its own"));
    if (!o.condition.empty() && o.condition != config.condition.spec())
      throw UsageError(join("--resume: ", o.folder, " was made with ",
                            config.condition.defined() ? "--condition " + config.condition.spec() : "no condition",
                            "; a run is continued with its own"));
    data = data_for(config);
    model = std::make_unique<Model>(config, data.train);
    if (options.steps != planned && model->objective().stages() > 1)
      throw UsageError(join("--steps ", options.steps, ": ", o.folder, " trains in ", model->objective().stages(),
                            " stages of ", planned, " steps in all; it is continued with these"));
  } else {
    if (o.family.empty()) throw UsageError("train: which family? `pushforward families` lists them");
    family(o.family);  // before the data are read: a wrong name should be told at once
    if (o.data.empty()) throw UsageError("train: --data is missing; for example --data moons");
    data = load_dataset(o.data, {.seed = o.seed});
    const Condition condition = Condition::make(o.condition, data);
    data = condition.apply(std::move(data));
    ModelConfig config = ModelConfig::make(o.family, data, o.seed, condition);
    for (const std::string& assignment : o.settings) config.settings.set(assignment);
    options = default_options(config, data);
    options.steps = o.steps.value_or(options.steps);
    options.batch = o.batch.value_or(options.batch);
    options.rate = o.rate.value_or(options.rate);
    if (!o.precision.empty()) options.precision = parse_precision(o.precision);
    if (options.batch > data.train.size(0) / group.size())
      throw UsageError(join("--batch ", options.batch, group.size() > 1 ? join(" on ", group.size(), " processes") : "",
                            ": ", data.name, " has only ", data.train.size(0), " rows to train on"));
    model = std::make_unique<Model>(config, data.train);
  }
  const std::string together = group.size() > 1 ? join(", ", group.size(), " processes of ", options.batch,
                                                       " rows a step, joined by ", engine_of(group, default_device()))
                                                : "";
  if (speaks)
    std::cerr << (o.resume ? "continuing " : "training ") << model->config().family << " on " << data.name << ": "
              << data.train.size(0) << " rows of " << data.dim() << (o.condition.empty() ? "" : " given " + o.condition)
              << ", " << model->parameters() << " parameters, " << model->objective().name() << together << '\n';
  options.replay = !o.eager;
  if (speaks && options.precision != float32 && !default_device().is_cuda())
    std::cerr << "networks compute on bfloat16, which is slower than float32 on the CPU and meant for trying it out\n";
  watch_interrupt();
  Trainer trainer(*model, data, options, o.folder, o.resume, group);
  TrainResult result;
  {
    ProgressLine progress(model->objective().name());
    result = trainer.run(
        [&](const TrainProgress& p) {
          if (speaks) progress(p);
        },
        interrupted);
  }
  if (!speaks) return;
  if (result.interrupted) {
    std::cerr << "stopped at step " << result.step << "; continue with: pushforward train " << model->config().family
              << " --out " << o.folder << " --resume\n";
    return;
  }
  for (const VitalSign& sign : result.vital_signs) std::cerr << sign.name << ": " << brief(sign.value) << '\n';
  std::cerr << "verdict: " << verdict_of(result.vital_signs) << '\n';
  const bool scores = model->transform().traits().density != DensityKind::none;
  std::string given;  // without it samples of a model conditional on columns cannot be drawn
  if (model->config().condition.kind == Condition::Kind::columns) {
    given = " --given 0";
    for (int64_t i = 1; i < model->config().condition.width; ++i) given += ",0";
  }
  std::cout << "trained in " << duration(result.seconds) << "; next: pushforward " << (scores ? "score " : "evaluate ")
            << o.folder << ", pushforward sample " << o.folder << given << " --out x.png\n";
}

}  // namespace

void add_train(Program& program) {
  auto o = std::make_shared<Options>();
  Command command = program.add("train", "train a family on data");
  command.option("FAMILY", &o->family, "what to train; `pushforward families` lists them");
  command.option("--data", &o->data, "moons, 8gaussians, …, fashion-mnist, idx:DIR, npy:FILE, csv:FILE");
  command.option("--condition", &o->condition,
                 "labels, or columns=K for the last K columns: learn the rest given these");
  command.option("--out", &o->folder, "folder for the run", {.required = true});
  command.option("--steps", &o->steps, "optimiser steps", {.least = 1, .most = 1000000000});
  command.option("--batch", &o->batch, "rows a step", {.least = 1, .most = 10000000});
  command.option("--lr", &o->rate, "learning rate at its highest", {.least = 1e-12});
  command.option("--precision", &o->precision,
                 "float32, or bf16: networks compute on bfloat16, parameters and losses stay float32 (for GPUs)");
  command.option("--seed", &o->seed, "of parameters, data order and noise");
  command.option("--set", &o->settings, "key=value, a setting of the family (repeatable)");
  command.flag("--resume", o->resume, "continue the run in --out");
  command.flag("--eager", o->eager, "do not record and replay steps; the results are the same");
  command.machine();
  command.action([o] { run(*o); });
}

}  // namespace pf::cli
