#pragma once
// Making an atlas: every family trained on the same data from the same base noise, measured and pictured side by side.

#include <functional>

#include "models/report/atlas_page.h"
#include "models/train.h"

namespace pf {

struct AtlasOptions {
  std::string data = "8gaussians";
  std::string folder;                      // each family's run goes to a folder of its own below it
  std::vector<std::string> families = {};  // none: all
  uint64_t seed = 0;
  double effort = 1;                    // multiplies the steps of every family
  std::string command = "./run atlas";  // what the page says it was made with
};

/// Called before and during each family's training.
using AtlasReport = std::function<void(const std::string& family, const std::string& doing, const TrainProgress*)>;

/// Trains, measures and writes atlas.html and its pictures into the folder. `stop` true ends it early, without a page.
/// Returns whether it finished.
bool make_atlas(const AtlasOptions& options, const AtlasReport& report = {}, const std::function<bool()>& stop = {});

/// Points of a base that share the first two coordinates across bases of any width: `plane` is [n, 2], standard normal,
/// further coordinates come from `rng`. The first two are placed by quantiles, so they mean the same in every base.
Tensor shared_noise(const Distribution& base, const Tensor& plane, const Rng& rng);

}  // namespace pf
