#pragma once
// Dataset: rows to learn from and rows to be judged on, on the scale of the data as given.

#include <optional>
#include <string>
#include <vector>

#include "nn/image/image.h"
#include "tensor/tensor.h"

namespace pf {

/// Nothing is normalised here: models normalise inside and account for it, so that every likelihood is in nats on the
/// scale of these numbers.
///
/// Images are integers 0 … levels − 1 (0 … 255 for 8 bits) held as float32. Their likelihood is that of x + u with u uniform on
/// [0, 1) (dequantisation); bits per dimension are then −log₂ p(x + u) / d, with no constant to add.
struct Dataset {
  std::string name;                      // as asked for: "moons", "csv:measurements.csv"
  Tensor train, test;                    // float32 [n, d]
  Tensor train_labels, test_labels;      // int64 [n]; undefined where there are none
  std::vector<std::string> class_names;  // of the labels; empty where there are none
  Tensor train_context,
      test_context;                  // float32 [n, k]: what a conditional model is told of each row; undefined: nothing
  std::vector<std::string> columns;  // names of the d columns; empty where there are none
  std::optional<ImageShape> image;   // where a row is a picture
  int levels = 0;                    // rows are integers 0 … levels − 1; 0: they are real numbers
  std::optional<double> entropy;     // nats a row, where it is known: no density model's true NLL is below it

  int64_t dim() const { return train.size(1); }
  bool has_labels() const { return train_labels.defined(); }
};

}  // namespace pf
