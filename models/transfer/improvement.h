#pragma once
// Improvements: what was invented for one family, written so that it can be tried on all. Each takes a trained model and
// gives better samples, or says in a sentence why it has nothing to offer there.

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "models/train.h"

namespace pf {

/// A family trained on a data set with its defaults, and what an improvement may use beside the model.
struct Trained {
  const Model& model;  // averaged parameters (EMA)
  const Model& last;   // the same training's parameters as the last step left them
  const Dataset& data;
  const TrainOptions& options;  // budget: improvements that train anew train as long
};

/// Samples before and after, on the scale of the data and of equal number, from the same noise where that makes sense; or
/// why there are none.
struct Samples {
  Tensor before, after;
};
using Outcome = std::variant<Samples, std::string>;

struct Improvement {
  std::string name;      // "refinement"
  std::string sentence;  // what it does, and where it comes from
  std::function<Outcome(const Trained&, int64_t count, Rng&)> apply;
};

/// Every improvement there is; adding one is one entry in improvements.cpp.
const std::vector<Improvement>& improvements();
/// Throws UsageError, offering the nearest name.
const Improvement& improvement(const std::string& name);

}  // namespace pf
