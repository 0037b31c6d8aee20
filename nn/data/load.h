#pragma once
// Data sets by name: what `--data` takes.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nn/data/dataset.h"

namespace pf {

struct LoadOptions {
  /// Of the draws of a synthetic set, and of the division of a file into training and test rows.
  uint64_t seed = 0;
  /// Synthetic sets: how many points to draw. Files: at most so many rows, the first.
  std::optional<int64_t> train_rows, test_rows;
  /// npy: and csv:, which are one table: the part set aside as test rows (at least one row).
  double test_fraction = 0.1;
};

inline constexpr int64_t synthetic_train_rows = 100'000, synthetic_test_rows = 20'000;

/// "moons" and the other names of nn/data/synthetic.h; "fashion-mnist"; "idx:DIR", "npy:FILE", "csv:FILE". Numbers are
/// checked to be finite here, so that training need not ask.
Dataset load_dataset(const std::string& spec, const LoadOptions& options = {});

/// What can be given to load_dataset, for help texts: the names, then the prefixes.
std::vector<std::string> dataset_names();

}  // namespace pf
