#pragma once
// The training loop: one for all families. Everything it needs to go on is in one snapshot, so that a run that was killed
// continues to the same bits as one that was not.

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "models/vital_signs.h"
#include "nn/communicator.h"

namespace pf {

struct TrainOptions {
  int64_t steps = 5000, batch = 256;
  double rate = 1e-3;  // of Adam, at its highest: linear warm-up, then cosine down to a hundredth
  int64_t warmup = 100;
  double clip = 5;            // the largest global gradient norm, for each coordinate of the data
  double ema = 0.999;         // decay of the averaged parameters, which are what the model is used with
  int64_t save_every = 500;   // steps between snapshots
  int64_t report_every = 50;  // steps between lines of metrics.jsonl
  int64_t picture_every = 0;  // steps between sample pictures; 0: a tenth of the run
  bool replay = true;  // whether steps are recorded and replayed where that can be done; the results are the same
  DType precision = float32;  // of the networks in a step (nn/precision.h); parameters, moments and losses stay float32

  nlohmann::ordered_json to_json() const;
  static TrainOptions from_json(const nlohmann::ordered_json& json);
};

/// What a model of this configuration is trained with unless somebody says otherwise; effort multiplies the steps.
TrainOptions default_options(const ModelConfig& config, const Dataset& data, double effort = 1);

/// float32, or bf16 for bfloat16. Throws UsageError.
DType parse_precision(const std::string& name);

struct TrainProgress {
  int64_t step = 0, steps = 0;
  double loss = 0;  // mean since the last report
  double steps_per_second = 0, seconds_left = 0;
  std::string replay;            // how steps run, in a sentence; empty until that is known
  std::vector<VitalSign> signs;  // of the averaged parameters, at every fortieth of the run or so; empty between
};

struct TrainResult {
  int64_t step = 0;
  bool interrupted = false;
  double seconds = 0;                           // of this run and, after a resume, of those before it
  std::vector<std::pair<double, double>> loss;  // step, mean loss since the last one
  std::vector<VitalSign> vital_signs;           // at the end
  std::string replay;                           // how steps ran, in a sentence
};

/// Trains `model` on the rows and leaves the averaged parameters in it. With a folder, writes there:
///   config.json            the effective configuration
///   snapshot.safetensors   all that is needed to continue, replaced as a whole every save_every steps and at the end
///   metrics.jsonl          one line every report_every steps
///   samples/step-N.png     pictures on the way
/// `stop`, if given, is asked after every step; true saves and returns. With `resume` the folder's snapshot is continued.
/// Throws when the loss stops being finite, naming the step and the operation. On a GPU losses are read now and then only: there
/// it names the steps between two readings, and the operation if it still fails. An error of any kind tells the step and the
/// snapshot that is left, which stays whole.
///
/// With several processes, each of which makes this call with the same arguments, a step takes `batch` rows for each of them and
/// their mean gradient. Losses told are means; files and vital signs are rank 0's. The folder can be continued by any number.
class Trainer {
 public:
  Trainer(Model& model, const Dataset& data, const TrainOptions& options, std::string folder = {}, bool resume = false);
  /// group: processes that train together, see nn/data_parallel.h.
  Trainer(Model& model, const Dataset& data, const TrainOptions& options, std::string folder, bool resume,
          Communicator& group);
  TrainResult run(const std::function<void(const TrainProgress&)>& report = {}, const std::function<bool()>& stop = {});

 private:
  Model& model_;
  const Dataset& data_;
  TrainOptions options_;
  std::string folder_;
  bool resume_;
  Communicator& group_;
};

/// A trained model from its folder: config.json and the averaged parameters of snapshot.safetensors. settings: "key=value", in
/// place of those it was trained with, where they say how it is evaluated (Setting::sampling); others throw UsageError.
Model load_model(const std::string& folder, const std::vector<std::string>& settings = {});
ModelConfig load_config(const std::string& folder);
/// The training options of a folder, for resuming with the same.
TrainOptions load_train_options(const std::string& folder);

}  // namespace pf
