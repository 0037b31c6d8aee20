#include "models/cli/input.h"

#include <charconv>
#include <cmath>

#include "nn/data/load.h"
#include "tensor/npy.h"

namespace pf::cli {

Tensor read_rows(const std::string& file, const std::string& what, int64_t width) {
  const Tensor x = read_npy(file);
  check(x.rank() == 2 && x.size(1) == width, file, ": ", x.shape(), ": expected [n, ", width, "], ", what);
  const Tensor rows = cast(x, float32);
  const float* data = rows.data<float>();
  for (int64_t i = 0; i < rows.numel(); ++i)
    check(std::isfinite(data[i]), file, ": row ", i / width, ", column ", i % width, " is ", data[i],
          ": expected finite numbers");
  return to_device(rows, default_device());
}

Dataset data_for(const ModelConfig& config, const std::string& other) {
  return config.condition.apply(load_dataset(other.empty() ? config.data : other, {.seed = config.seed}));
}

void add_settings(Command& command, std::vector<std::string>& settings) {
  command.option(
      "--set", &settings,
      "key=value: another solver, number of steps … than it was trained with; pushforward families says which");
}

namespace {
std::vector<double> numbers_of(const std::string& list) {
  std::vector<double> out;
  const char *at = list.data(), *end = at + list.size();
  while (true) {
    double value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc() || !std::isfinite(value) || (stop != end && *stop != ','))
      throw UsageError(join("--given ", list, ": expected numbers with commas between them, such as 0.5,2"));
    out.push_back(value);
    if (stop == end) return out;
    at = stop + 1;
  }
}
}  // namespace

void ConditionOptions::add_to(Command& command) {
  command.option("--label", &label, "class, for a model conditional on labels", {.least = 0});
  command.option("--given", &given, "numbers, for a model conditional on columns: 0.5,2");
}

Tensor ConditionOptions::context(const ModelConfig& config, bool needed) const {
  const Condition& condition = config.condition;
  if (!condition.defined()) {
    if (label || !given.empty())
      throw UsageError(join(label ? "--label" : "--given", ": this ", config.family,
                            " was trained without a condition; train with --condition labels or columns=K"));
    return {};
  }
  const bool labels = condition.kind == Condition::Kind::labels;
  if (labels ? !given.empty() : label.has_value())
    throw UsageError(join(labels ? "--given" : "--label", ": this model is conditional on ",
                          labels ? "labels; use --label" : "columns; use --given"));
  if (labels && label) {
    if (*label >= condition.width)
      throw UsageError(join("--label ", *label, ": the model knows the labels 0 to ", condition.width - 1));
    return condition.of_labels(tensor({double(*label)}, int64));
  }
  if (!labels && !given.empty()) {
    const std::vector<double> values = numbers_of(given);
    if (int64_t(values.size()) != condition.width)
      throw UsageError(join("--given ", given, ": ", values.size(), " numbers: expected ", condition.width));
    return condition.of_columns(tensor(values, {1, condition.width}));
  }
  if (needed)
    throw UsageError(labels ? join("this model is conditional: choose a class with --label 0 to ", condition.width - 1)
                            : join("this model is conditional: give its ", condition.width,
                                   condition.width == 1 ? " number" : " numbers", " with --given"));
  return {};
}

}  // namespace pf::cli
