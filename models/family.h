#pragma once
// Family: a kind of generative model as the program knows it: a name, what it is, what can be set, and how one is built.
// Adding a family is one file that defines one of these and one line in families.def; the command line, the laws, the
// atlas and the metrics follow.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/objective.h"
#include "models/settings.h"
#include "nn/data/dataset.h"

namespace pf {

/// What a family needs to know of the data to build a model for them. The model sees normalised data.
struct DataSummary {
  int64_t width = 0;
  std::optional<ImageShape> image;
  int levels = 0;  // of integer data, which a family for DataKind::integers gets as 0 … levels − 1; 0: real numbers
  int64_t context = 0;  // numbers of the condition; 0: unconditional
};

/// How a family wants its data: as real numbers of mean 0 and variance 1 (integers with uniform noise added), as 0 or 1 drawn
/// from probabilities, or as the integers 0 … levels − 1 that they are.
enum class DataKind { real, binary, integers };

/// A map and what trains it. The objective refers to the transform, which must stay where it is.
struct Built {
  std::unique_ptr<Transform> transform;
  std::unique_ptr<Objective> objective;
};

struct TrainingDefaults {
  int64_t steps = 5000, batch = 256;
  double rate = 1e-3;
};

struct Family {
  std::string name;     // "flow"
  std::string title;    // "normalizing flow"
  std::string map;      // one sentence: base → x
  std::string density;  // one sentence: which density it has, and why
  std::vector<Setting> settings;
  std::vector<std::string> image_settings;  // "key=value": other defaults where the data are images
  std::function<TrainingDefaults(const Settings&, const DataSummary&)> defaults;
  std::function<Built(const Settings&, const DataSummary&, Rng&)> build;
  /// Settings that make an instance small enough for tests, as "key=value". One list a variant.
  std::vector<std::vector<std::string>> test_variants;
  std::function<DataKind(const Settings&)> data_kind = [](const Settings&) { return DataKind::real; };
  /// The family's map can be given a condition with these settings.
  std::function<bool(const Settings&)> conditional = [](const Settings&) { return false; };
};

/// Every family there is, in the order in which they are shown.
const std::vector<Family>& families();
/// Throws UsageError, offering the nearest name, where there is none of this name.
const Family& family(const std::string& name);

}  // namespace pf
