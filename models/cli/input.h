#pragma once
// What several commands read.

#include <optional>
#include <string>

#include "models/cli/command.h"
#include "models/model.h"

namespace pf::cli {

/// An NPY file of rows of the given width, as float32. Throws where it has another shape, or holds NaN or infinity
/// (naming row and column). `what` is what the rows are, for the error.
Tensor read_rows(const std::string& file, const std::string& what, int64_t width);

/// The data set that a model was trained on, or another, with the model's condition applied.
Dataset data_for(const ModelConfig& config, const std::string& other = {});

/// --set key=value: settings of a trained model that say how it is evaluated.
void add_settings(Command& command, std::vector<std::string>& settings);

/// --label and --given: the condition under which a conditional model is used.
struct ConditionOptions {
  std::optional<int64_t> label;
  std::string given;  // "0.5,2"

  void add_to(Command& command);
  /// A row that counts for all points; undefined for an unconditional model. Throws UsageError where the options do not fit the
  /// model, or are missing and `needed`.
  Tensor context(const ModelConfig& config, bool needed = true) const;
};

}  // namespace pf::cli
