#pragma once
// Transfer: what improves one family, tried on all of them. The claim of arXiv 2506.17171 as a table that one can run:
// family × improvement, each cell the distance between samples and test data before and after, on the same data, seeds and
// budget.

#include <functional>
#include <string>
#include <vector>

#include "models/metrics/estimate.h"

namespace pf {

struct TransferOptions {
  std::string data = "8gaussians";
  std::string folder;  // for the runs; replaced where they exist
  /// By default all. A family may come with settings: "diffusion:variant=consistency".
  std::vector<std::string> families, improvements;
  uint64_t seed = 0;
  int64_t seeds = 1;  // trainings of each family; above 1 the errors are those over seeds
  double effort = 1;  // multiplies every family's training steps
  int64_t samples = 2000;
};

struct TransferCell {
  std::string family, improvement;
  Estimate before, after;  // sliced W₂
  /// before − after. Both are of the same noise and real rows, and of the same seeds where there are several: what they share
  /// does not count among the errors of the difference.
  Estimate gain;
  std::string why_not;  // not empty: the improvement has nothing to offer here, and why
  /// The improvement made it better (worse) by more than two standard errors of the difference.
  bool better() const;
  bool worse() const;
};

struct TransferTable {
  std::vector<std::string> families, improvements;
  std::vector<TransferCell> cells;  // a row a family
  Estimate floor;                   // real data against real data
};

/// Calls report with what it is doing; stops, with the rows that are finished, when `stop` says so.
TransferTable transfer(const TransferOptions& options, const std::function<void(const std::string&)>& report = {},
                       const std::function<bool()>& stop = {});

}  // namespace pf
