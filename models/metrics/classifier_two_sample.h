#pragma once
// Classifier two-sample test (Lopez-Paz & Oquab 2016, arXiv 1610.06545): how often a network tells a sample of the model from
// one of the data, on rows that it has not seen. ½ is a model that cannot be told apart; the best possible is
// ½ + ¼ ∫ |p − q|, Φ(δ/2) between two normal laws δ deviations apart.

#include "models/metrics/estimate.h"
#include "tensor/random.h"

namespace pf {

struct ClassifierOptions {
  int64_t hidden = 64, depth = 2;
  int64_t folds = 5;  // each part is judged by a network trained on the others
  int64_t steps = 200, batch = 128;
  double rate = 5e-3;
};

/// Held-out accuracy over all folds; the error is √(¼/n), that of guesses. x, y: [n, d], equally many rows, at least two a fold.
Estimate classifier_accuracy(const Tensor& x, const Tensor& y, Rng& rng, const ClassifierOptions& options = {});

}  // namespace pf
