#include "models/condition.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tensor/json.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

/// K of "columns=K", or nothing.
std::optional<int64_t> columns_of(const std::string& spec) {
  constexpr std::string_view prefix = "columns=";
  if (!spec.starts_with(prefix)) return {};
  int64_t count = 0;
  const char* end = spec.data() + spec.size();
  const auto [stop, error] = std::from_chars(spec.data() + prefix.size(), end, count);
  if (error != std::errc() || stop != end) return {};
  return count;
}

Tensor row_of(const std::vector<double>& values) {
  return cast(tensor(values, {1, int64_t(values.size())}, float64), float32);
}

}  // namespace

Condition Condition::make(const std::string& spec, const Dataset& data) {
  Condition out;
  if (spec.empty()) return out;
  if (spec == "labels") {
    if (!data.has_labels()) throw UsageError(join("--condition labels: ", data.name, " has no labels"));
    out.kind = Kind::labels;
    out.width = std::max<int64_t>(int64_t(data.class_names.size()), 1 + int64_t(max(data.train_labels).item()));
    return out;
  }
  const std::optional<int64_t> count = columns_of(spec);
  if (!count) throw UsageError(join("--condition ", spec, ": expected labels, or columns=K for the last K columns"));
  if (*count < 1 || *count >= data.dim())
    throw UsageError(
        join("--condition ", spec, ": ", data.name, " has ", data.dim(), " columns: expected 1 to ", data.dim() - 1));
  out.kind = Kind::columns;
  out.width = *count;
  const Tensor given = cast(slice(data.train, 1, data.dim() - *count), float64);
  const Tensor centre = mean(given, 0), deviation = sqrt(mean(square(given - centre), 0));
  out.centre = centre.to_vector<double>();
  for (double s : deviation.to_vector<double>()) out.scale.push_back(s > 1e-12 ? s : 1.0);
  return out;
}

std::string Condition::spec() const {
  return kind == Kind::labels ? "labels" : kind == Kind::columns ? join("columns=", width) : "";
}

Tensor Condition::of_labels(const Tensor& labels) const {
  check(kind == Kind::labels, "condition: a label was given to a model ",
        defined() ? "whose condition is columns of the data" : "without a condition");
  for (int64_t label : labels.to_vector<int64_t>())
    check(label >= 0 && label < width, "condition: label ", label, ": expected 0 to ", width - 1);
  return one_hot(labels, width);
}

Tensor Condition::of_columns(const Tensor& values) const {
  check(kind == Kind::columns, "condition: numbers were given to a model ",
        defined() ? "whose condition is a label" : "without a condition");
  check(values.rank() == 2 && values.size(1) == width, "condition: numbers of shape ", values.shape(),
        ": expected [n, ", width, "]");
  return (cast(values, float32) - row_of(centre)) / row_of(scale);
}

Dataset Condition::apply(Dataset data) const {
  if (kind == Kind::labels) {
    check(data.has_labels(), data.name, ": has no labels, but the model is conditional on them");
    data.train_context = of_labels(data.train_labels);
    if (data.test_labels.defined()) data.test_context = of_labels(data.test_labels);
  } else if (kind == Kind::columns) {
    check(data.dim() > width, data.name, ": has ", data.dim(), " columns: expected more than the ", width,
          " of the condition");
    const int64_t rest = data.dim() - width;
    for (auto [rows, context] : {std::pair{&data.train, &data.train_context}, {&data.test, &data.test_context}}) {
      *context = of_columns(slice(*rows, 1, rest));
      *rows = contiguous(slice(*rows, 1, 0, rest));
    }
    if (!data.columns.empty()) data.columns.resize(size_t(rest));
    data.image.reset();
    data.entropy.reset();
  }
  if (kind == Kind::labels) data.entropy.reset();  // of the points without their labels
  return data;
}

Json Condition::to_json() const { return {{"kind", spec()}, {"width", width}, {"centre", centre}, {"scale", scale}}; }

Condition Condition::from_json(const Json& json) {
  Condition out;
  const std::string spec = json.at("kind").get<std::string>();
  out.width = json.at("width").get<int64_t>();
  check(out.width >= 1 && out.width <= 1'000'000, "config.json: condition: width ", out.width, ": expected at least 1");
  check(spec == "labels" || columns_of(spec) == out.width, "config.json: condition: kind ", spec,
        ": expected labels or columns=", out.width);
  out.kind = spec == "labels" ? Kind::labels : Kind::columns;
  if (out.kind == Kind::labels) return out;
  out.centre = json.at("centre").get<std::vector<double>>();
  out.scale = json.at("scale").get<std::vector<double>>();
  check(int64_t(out.centre.size()) == out.width && int64_t(out.scale.size()) == out.width &&
            std::ranges::all_of(out.scale, [](double s) { return s > 0 && std::isfinite(s); }),
        "config.json: condition: expected ", out.width, " centres and as many positive scales");
  return out;
}

Tensor context_for(const Tensor& context, int64_t n) {
  if (!context.defined() || n <= context.size(0)) return context.defined() ? slice(context, 0, 0, n) : context;
  const std::vector<Tensor> copies(size_t((n + context.size(0) - 1) / context.size(0)), context);
  return slice(concat(copies, 0), 0, 0, n);
}

}  // namespace pf
