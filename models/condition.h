#pragma once
// What a conditional model is told of each point beside the noise: its class, or some of its columns. Says how a data set is cut
// into points and their conditions, and how a condition becomes the context that networks take.

#include <nlohmann/json_fwd.hpp>

#include "nn/data/dataset.h"

namespace pf {

struct Condition {
  enum class Kind { none, labels, columns };
  Kind kind = Kind::none;
  int64_t width = 0;  // of the context: as many numbers as there are classes, or columns
  /// Of the columns in the training rows: the context is (value − centre) / scale.
  std::vector<double> centre, scale;

  /// `spec` is "labels", or "columns=K" for the last K columns of the data. Throws where the data have no labels or too few columns.
  static Condition make(const std::string& spec, const Dataset& data);
  bool defined() const { return kind != Kind::none; }
  /// The same as `spec`; "" for none.
  std::string spec() const;

  /// Classes as one-hot rows. labels: int64 [n], each from 0 to width − 1 (else an error that names it) → float32 [n, width].
  Tensor of_labels(const Tensor& labels) const;
  /// values: [n, width] on the scale of the data → float32 [n, width].
  Tensor of_columns(const Tensor& values) const;
  /// The data set with train_context and test_context filled in, and without the columns that went into them.
  Dataset apply(Dataset data) const;

  nlohmann::ordered_json to_json() const;
  static Condition from_json(const nlohmann::ordered_json& json);
};

/// A context for n samples: the first rows of the data's, from the beginning again where there are fewer than n. Undefined
/// stays undefined.
Tensor context_for(const Tensor& context, int64_t n);

}  // namespace pf
