#pragma once
// All metrics of one model on one data set: what `pushforward evaluate` and the atlas print.

#include <vector>

#include "models/metrics/metric.h"
#include "models/model.h"

namespace pf {

struct EvaluateOptions {
  int64_t samples = 2000;    // drawn from the model and compared with as many test rows
  int64_t directions = 200;  // of the sliced W2
  int64_t density_rows = 0;  // test rows whose density is evaluated; 0: as many as are cheap (10000; 2000 for an ODE
                             // or a bound; 200 for an ODE on more than 16 columns)
};

/// In this order, where they apply: NLL, bits/dim (images), sliced W2, exact W2, MMD², energy distance, Fréchet distance (to 64
/// columns), classifier, precision, recall, density, coverage, calibration (invertible maps), modes, high quality (sets with
/// modes). Floors are test rows against training rows, equally many. Images are compared in pixels from 0 to 1.
/// A model of 0 and 1 is compared with rows drawn as 0 or 1, and its likelihood, a probability and not a density, has a name of its
/// own ("NLL, binarised"), as has that of whole numbers where others see real ones ("NLL, whole numbers"). All randomness
/// comes from `rng`: one state, one result.
std::vector<Metric> evaluate(const Model& model, const Dataset& data, Rng& rng, const EvaluateOptions& options = {});

}  // namespace pf
