#include "models/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <tuple>

#include "autograd/anomaly.h"
#include "models/gradient_step.h"
#include "models/metrics_file.h"
#include "models/report/pictures.h"
#include "models/vital_signs.h"
#include "nn/checkpoint.h"
#include "nn/data/batches.h"
#include "nn/data_parallel.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/ema.h"
#include "nn/optim/schedule.h"
#include "nn/precision.h"
#include "nn/state.h"
#include "tensor/device_errors.h"
#include "tensor/files.h"
#include "tensor/json.h"

namespace pf {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

fs::path snapshot_path(const std::string& folder) { return fs::path(folder) / "snapshot.safetensors"; }

/// The state of a run between two steps, and how it is kept and taken up again.
struct Run {
  Model& model;
  const TrainOptions& options;
  Communicator& group;
  std::vector<Field> fields, parameters;
  Adam optimizer;
  Opponent* opponent;
  std::vector<Field> opponent_fields, opponent_parameters;
  Adam opponent_optimizer;
  Ema ema;
  Batches batches;
  Rng rng;
  Rng own{0};  // of this process in a step, where there are several
  int64_t step = 0;
  double seconds_before = 0;  // spent by earlier parts of a resumed run
  double loss_sum = 0;        // since the last report
  int64_t loss_count = 0;
  std::vector<std::pair<double, double>> losses;

  // For what is told when an error ends the run.
  int64_t under_way = 1;     // the step being done
  int64_t finite_until = 0;  // the last step of which it is known that all was finite
  int64_t saved = -1;        // the step of the snapshot; -1: there is none
  Tensor batch, context;     // of the step
  Rng rng_at_loss{0};

  Run(Model& m, const Dataset& data, const TrainOptions& o, Communicator& g)
      : model(m),
        options(o),
        group(g),
        fields(fields_of(m.transform())),
        parameters(parameters_of(m.transform())),
        optimizer(m.objective().optimizer()),
        opponent(m.objective().opponent()),
        opponent_optimizer(m.objective().optimizer()),
        ema(fields, o.ema),
        batches(data.train, data.train_context, o.batch, Rng(m.config().seed).child(2), {g.rank(), g.size()}),
        rng(Rng(m.config().seed).child(3)) {
    if (!opponent) return;
    opponent_fields = fields_of(*opponent);
    opponent_parameters = parameters_of(*opponent);
  }

  /// What a step draws from.
  Rng& draws() { return group.size() > 1 ? own : rng; }

  Snapshot snapshot(double seconds) const {
    Snapshot out;
    out.put("model", state_dict(std::as_const(model).transform()));
    out.put("optimizer", optimizer.state(parameters));
    out.put("ema", ema.state(fields));
    if (opponent) {
      out.put("opponent", state_dict(std::as_const(*opponent)));
      out.put("opponent_optimizer", opponent_optimizer.state(opponent_parameters));
    }
    out.meta["step"] = step;
    out.meta["seconds"] = seconds_before + seconds;
    out.meta["rng"] = rng.state();
    const Batches::State& order = batches.state();
    out.meta["batches"] = {{"rng", order.rng}, {"epoch", order.epoch}, {"position", order.position}};
    out.meta["losses"] = losses;
    out.meta["unreported"] = {loss_sum, loss_count};
    out.meta["config"] = model.config().to_json().dump();
    return out;
  }

  void restore(const Snapshot& from, const std::string& path) {
    check(from.meta.at("config").get<std::string>() == model.config().to_json().dump(), path,
          ": was made with another configuration than the config.json beside it; start anew in another folder");
    load_fields(fields, from.get("model"));
    optimizer.load_state(parameters, from.get("optimizer"));
    ema.load_state(fields, from.get("ema"));
    if (opponent) {
      load_fields(opponent_fields, from.get("opponent"));
      opponent_optimizer.load_state(opponent_parameters, from.get("opponent_optimizer"));
    }
    step = from.meta.at("step").get<int64_t>();
    seconds_before = from.meta.at("seconds").get<double>();
    rng = Rng(from.meta.at("rng").get<Rng::State>());
    const auto& order = from.meta.at("batches");
    batches.restore(
        {order.at("rng").get<Rng::State>(), order.at("epoch").get<int64_t>(), order.at("position").get<int64_t>()});
    losses = from.meta.at("losses").get<std::vector<std::pair<double, double>>>();
    std::tie(loss_sum, loss_count) = from.meta.at("unreported").get<std::pair<double, int64_t>>();
  }
};

/// The computing parts of a step: of the model, and of whom it plays against. Made anew at each stage of a training.
struct Steps {
  GradientStep model;
  std::optional<GradientStep> opponent;

  Steps(Run& run, double limit)
      : model(
            run.parameters, all_fields(run), numbers(run),
            [&run](const Tensor& batch, Rng& rng, const Tensor& context) {
              const NetworkPrecision precision(run.options.precision);
              return run.model.objective().loss(batch, rng, context);
            },
            run.draws(), run.group.size() > 1 ? 0 : limit, run.options.replay) {
    if (run.opponent)
      opponent.emplace(
          run.opponent_parameters, all_fields(run), numbers(run),
          [&run](const Tensor& batch, Rng& rng, const Tensor& context) {
            const NetworkPrecision precision(run.options.precision);
            return run.opponent->loss(batch, rng, context);
          },
          run.draws(), run.group.size() > 1 ? 0 : limit, run.options.replay);
  }
  Steps(const Steps&) = delete;

  std::string describe() const {
    const std::string own = model.describe(), others = opponent ? opponent->describe() : std::string();
    return others.empty() || others == own ? own : join(own, "; of the critic: ", others);
  }

 private:
  static std::vector<Field> all_fields(const Run& run) {
    std::vector<Field> out = run.fields;
    out.insert(out.end(), run.opponent_fields.begin(), run.opponent_fields.end());
    return out;
  }
  static std::function<std::vector<Tensor>()> numbers(const Run& run) {
    return [&run] { return run.model.objective().changing_numbers(); };
  }
};

/// With other processes: the mean over all of them, clipped after that.
GradientStep::Result together(const Run& run, GradientStep::Result own, double limit) {
  if (run.group.size() == 1) return own;
  average(run.group, own.gradients, own.loss);
  if (own.loss.device().is_cuda()) own.gradients = clip_on_device(std::move(own.gradients), limit, own.norm);
  return own;
}

/// The opponent's steps before one of the model, each on rows and noise of its own. False where one was not finite.
bool opponent_steps(Run& run, Steps& steps, double rate, double limit) {
  for (int64_t i = 0; i < run.opponent->steps(); ++i) {
    const auto [rows, context] = run.batches.next();
    const Tensor batch = run.model.normalise(rows, run.draws());
    auto [loss, gradients, norm_there] = together(run, (*steps.opponent)(batch, context), limit);
    if (!norm_there.defined()) {  // on a GPU nothing waits; what is not finite is told of when something is read
      const double norm = std::isfinite(loss.item()) ? global_norm(gradients) : NAN;
      if (!std::isfinite(norm)) return false;
      if (norm > limit) gradients.scale(limit / norm);
    }
    run.opponent_optimizer.update(run.opponent_parameters, gradients, rate);
  }
  return true;
}

/// What can be gone on with after an error, in front of it a "; "; nothing where nothing is written.
std::string what_is_left(const Run& run, const std::string& folder) {
  if (folder.empty()) return "";
  if (run.saved < 0) return join("; no snapshot had been saved in ", folder, " by then");
  return join("; the snapshot of step ", run.saved, " in ", folder, " is whole, and --resume goes on from it");
}

/// The step, or on a GPU, where losses are read now and then, the steps of which one is meant.
std::string steps_meant(const Run& run) {
  if (run.finite_until + 1 >= run.under_way) return join("step ", run.under_way);
  return join("between steps ", run.finite_until + 1, " and ", run.under_way);
}

/// Does the step once more, looking at every operation: what the first one says that gives no finite number.
std::string first_not_finite(const Run& run) {
  try {
    const AnomalyDetection watch;
    const NetworkPrecision precision(run.options.precision);
    Rng rng = run.rng_at_loss;
    value_and_grad(std::span<const Field>(run.parameters),
                   [&] { return run.model.objective().loss(run.batch, rng, run.context); });
  } catch (const Error& error) { return error.what(); }
  return "";
}

[[noreturn]] void fail_as_divergence(const Run& run, const std::string& cause, const std::string& folder) {
  const bool named = run.finite_until + 1 >= run.under_way;
  fail("train: ", steps_meant(run), ": ", cause, what_is_left(run, folder), "; a smaller --lr may help",
       named ? "" : "; --device cpu looks at every step and names the first operation");
}

/// Throws why the loss or the gradient of the step is not finite.
[[noreturn]] void explain_divergence(const Run& run, const std::string& folder) {
  std::string cause = first_not_finite(run);
  // All say the same, found by the first process that finds something: the rows of the others may be innocent.
  const int speaker = first_where(run.group, !cause.empty());
  cause = speaker < run.group.size() ? text_of(run.group, cause, speaker) : "the loss or its gradient is not finite";
  fail_as_divergence(run, cause, folder);
}

/// The same where a GPU has told it with a reading of something else, which need not be one of all processes.
[[noreturn]] void explain_divergence(const Run& run, const NormNotFinite& told, const std::string& folder) {
  // The step at fault may be an earlier one; where its cause lasts, the present one shows it.
  const std::string cause = run.group.size() == 1 ? first_not_finite(run) : "";
  fail_as_divergence(run, cause.empty() ? told.what() : cause, folder);
}

}  // namespace

Trainer::Trainer(Model& model, const Dataset& data, const TrainOptions& options, std::string folder, bool resume)
    : Trainer(model, data, options, std::move(folder), resume, alone()) {}

Trainer::Trainer(Model& model, const Dataset& data, const TrainOptions& options, std::string folder, bool resume,
                 Communicator& group)
    : model_(model), data_(data), options_(options), folder_(std::move(folder)), resume_(resume), group_(group) {
  check(options.steps >= 1, "train: ", options.steps, " steps: expected at least 1");
  check(data.dim() == model.config().width, "train: data of ", data.dim(), " columns for a model of ",
        model.config().width);
  model.check_range(data.train);
  check(data.train_context.defined() == model.config().condition.defined(), "train: the model is ",
        model.config().condition.defined() ? "" : "not ", "conditional, but the data have ",
        data.train_context.defined() ? "a" : "no", " context");
}

TrainResult Trainer::run(const std::function<void(const TrainProgress&)>& report, const std::function<bool()>& stop) {
  broadcast(group_, fields_of(model_.transform()));
  Run run(model_, data_, options_, group_);
  broadcast(group_, run.opponent_fields);
  if (resume_) {
    run.restore(load_snapshot(snapshot_path(folder_)), snapshot_path(folder_));
    run.saved = run.finite_until = run.step;
  }
  SharedBuffers buffers(group_, run.fields), opponent_buffers(group_, run.opponent_fields);
  const std::string folder = group_.rank() == 0 ? folder_ : "";  // to write to
  if (!folder.empty()) {
    std::error_code error;
    fs::create_directories(fs::path(folder) / "samples", error);
    check(!error, folder, ": cannot be made: ", error.message());
    Json config = model_.config().to_json();
    config["training"] = options_.to_json();
    write_file_atomically(fs::path(folder) / "config.json", config.dump(2) + "\n");
  }
  MetricsFile metrics(folder, run.step);
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options_.rate,
                          .warmup = std::min(options_.warmup, options_.steps / 10),
                          .total = options_.steps,
                          .final_rate = options_.rate / 100};
  const int64_t picture_every =
      options_.picture_every > 0 ? options_.picture_every : std::max<int64_t>(options_.steps / 10, 1);
  const auto start = Clock::now();
  const int64_t first_step = run.step;
  auto save = [&] {
    check_agreement(group_, run.fields);
    if (folder.empty()) return;
    save_snapshot(snapshot_path(folder), run.snapshot(seconds_since(start)));
    run.saved = run.step;
  };

  TrainResult result;
  Tensor unread;  // the sum of the losses that have not been read back from a GPU
  const auto read_losses = [&] {
    if (unread.defined()) run.loss_sum += unread.item();
    unread = Tensor();
  };
  const double limit = options_.clip * double(data_.dim());
  auto steps = std::make_unique<Steps>(run, limit);
  try {
    while (run.step < options_.steps) {
      run.under_way = run.step + 1;
      for (int64_t stage = 1; stage < model_.objective().stages(); ++stage)
        if (run.step == stage * options_.steps / model_.objective().stages()) {
          run.ema.store(run.fields);
          model_.objective().begin_stage(stage);
          steps = std::make_unique<Steps>(run, limit);
        }
      model_.objective().set_progress(double(run.step) / double(options_.steps));
      // Each process draws numbers of its own in a step; the generator of the run stays the same on all.
      if (group_.size() > 1) run.own = run.rng.split().child(uint64_t(group_.rank()));
      if (run.opponent && !opponent_steps(run, *steps, schedule(run.step), limit))
        fail("train: step ", run.step + 1, ": the loss of the critic or its gradient is not finite",
             what_is_left(run, folder), "; a smaller --lr may help");
      const auto [rows, context] = run.batches.next();
      const Tensor batch = model_.normalise(rows, run.draws());
      run.batch = batch;
      run.context = context;
      run.rng_at_loss = run.draws();
      auto [loss, gradients, norm_there] = together(run, steps->model(batch, context), limit);
      const bool last = run.step + 1 == options_.steps, reporting = (run.step + 1) % options_.report_every == 0 || last;
      double norm = 0;
      if (norm_there.defined()) {
        // Losses are added up there, and read when they are told of: a step does not wait for the GPU.
        unread = unread.defined() ? unread + cast(loss, float64) : copy(cast(loss, float64));
        if (reporting) norm = norm_there.item();
      } else {
        run.loss_sum += loss.item();
        norm = std::isfinite(loss.item()) ? global_norm(gradients) : NAN;
        if (norm > limit) gradients.scale(limit / norm);
      }
      if (reporting || (run.step + 1) % options_.save_every == 0) read_losses();
      if (!std::isfinite(norm) || !std::isfinite(run.loss_sum)) explain_divergence(run, folder);
      if (!unread.defined()) run.finite_until = run.under_way;
      run.optimizer.update(run.parameters, gradients, schedule(run.step));
      model_.objective().after_step(batch, run.draws(), context);
      buffers.share();
      opponent_buffers.share();
      run.ema.update(run.fields);
      ++run.step;
      ++run.loss_count;

      if (reporting) {
        const double mean_loss = run.loss_sum / double(run.loss_count);
        run.losses.emplace_back(double(run.step), mean_loss);
        run.loss_sum = 0;
        run.loss_count = 0;
        const double elapsed = seconds_since(start), rate = double(run.step - first_step) / elapsed;
        metrics.write({{"step", run.step},
                       {"loss", mean_loss},
                       {"gradient_norm", norm},
                       {"rate", schedule(run.step - 1)},
                       {"seconds", run.seconds_before + elapsed}});
        std::vector<VitalSign> signs;
        // All of them together cost about as much as a step, and a run has at most some forty.
        const int64_t often =
            std::max<int64_t>(options_.steps / (40 * options_.report_every), 1) * options_.report_every;
        if (!last && group_.rank() == 0 && (report || !folder.empty()) && run.step % often == 0) {
          run.ema.swap(run.fields);
          signs = quick_signs(model_, data_, batch, context);
          run.ema.swap(run.fields);
          if (!signs.empty()) metrics.write({{"step", run.step}, {"vital_signs", as_json(signs)}});
        }
        if (report)
          report({run.step, options_.steps, mean_loss, rate, double(options_.steps - run.step) / rate,
                  steps->describe(), std::move(signs)});
      }
      if (!folder.empty() && (run.step % picture_every == 0 || last)) {
        run.ema.swap(run.fields);
        Rng picture_rng = Rng(model_.config().seed).child(9);
        std::string number = std::to_string(run.step);
        number.insert(0, number.size() < 7 ? 7 - number.size() : 0, '0');
        const int64_t shown = model_.config().image ? 64 : 2000;
        write_sample_picture(fs::path(folder) / "samples" / ("step-" + number + ".png"), model_.config(),
                             model_.sample(shown, picture_rng, context_for(data_.train_context, shown)));
        run.ema.swap(run.fields);
      }
      if (stop && !last && first_where(group_, stop()) < group_.size()) {
        read_losses();
        result.interrupted = true;
        break;
      }
      if (run.step % options_.save_every == 0 && !last) save();
    }
    save();
    run.ema.store(run.fields);
    if (!result.interrupted && group_.rank() == 0) {
      result.vital_signs = vital_signs(model_, data_);
      metrics.write({{"step", run.step},
                     {"vital_signs", as_json(result.vital_signs)},
                     {"verdict", verdict_of(result.vital_signs)}});
    }
    result.replay = steps->describe();
    result.step = run.step;
    result.seconds = run.seconds_before + seconds_since(start);
  } catch (const NormNotFinite& told) { explain_divergence(run, told, folder); } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with("train: ")) throw;
    fail("train: step ", run.under_way, ": ", error.what(), what_is_left(run, folder));
  }
  result.loss = std::move(run.losses);
  return result;
}

}  // namespace pf
