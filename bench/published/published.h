#pragma once
// Table 2 of Tong et al. 2023, "Simulation-free Schrödinger bridges via score and flow matching" (arXiv 2307.03672), which repeats
// the 2-D experiments of "Improving and generalizing flow-based generative models with minibatch optimal transport" (arXiv
// 2302.00482): flows between laws on the plane, trained here by its protocol and printed beside its figures.
//
//   network    v(x, t): three hidden layers of 64, SELU; t is an input like x
//   training   AdamW, rate 1e-3 throughout, weight decay 1e-5; batches of 512; 1000 epochs of 10 000 points; paths with σ = 0.1
//              SB-CFM: bridges of that σ; RF: σ = 0, and one reflow (the paper does not say how many it took)
//   sampling   100 Euler steps from 10 000 new points of the start
//   W2         √(min mean ‖x − y‖²), by exact assignment to 10 000 new points of the end; the square root, and only comparable at
//              this n: `floor` is the same number for two samples of the end itself
//   NPE        |E ∫ ‖v‖² dt − W₂²| / W₂² with the W₂² between those points of the start and of the end

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "bench/published/data.h"
#include "models/flow_matching/flow_matching.h"

namespace pf::bench {

/// A mean over trainings, and their standard deviation (NaN for one training).
struct Spread {
  double mean = 0, deviation = std::numeric_limits<double>::quiet_NaN();
};
Spread spread_of(const std::vector<double>& values);

struct PublishedRow {
  std::string method;  // "ot-cfm"
  Pairing pairing;
  int64_t reflows;  // further trainings of rectified flow, each as long as the first
  const Task* task;
  Spread w2, npe;  // as published: of five trainings; NaN where the table has none
  std::string name() const { return method + "/" + task->name; }
};
const std::vector<PublishedRow>& published_rows();
/// Those of these names, separated by commas: a row, a method, a task, or "all". Throws UsageError where there is none.
std::vector<PublishedRow> rows_of(const std::string& names);

struct Protocol {
  int64_t seeds = 5, first_seed = 0;
  int64_t points = 10000;  // for training, and as many for each metric
  int64_t steps = 0;       // of training; 0: 1000 times through the points
  int64_t batch = 512;
  int64_t euler_steps = 100;
  double sigma = 0.1;

  int64_t training_steps() const { return steps > 0 ? steps : 1000 * points / batch; }
};

/// What one training gave.
struct Outcome {
  double w2 = 0, npe = 0;
  double floor = 0;       // W2 between two samples of the end
  double energy = 0;      // E ∫ ‖v‖² dt
  double squared_w2 = 0;  // between the start and the end
  double loss = 0;        // the mean over the last tenth of the steps of a training, summed over coordinates
  double seconds = 0;     // of training
};
Outcome reproduce(const PublishedRow& row, const Protocol& protocol, uint64_t seed);

struct Reproduction {
  PublishedRow row;
  Protocol protocol;
  std::vector<Outcome> outcomes;  // seed 0, 1, …

  Spread spread(double Outcome::*number) const;
  /// At most a published standard deviation above what was published; nothing published: true.
  bool w2_reached() const;
  bool npe_reached() const;
};

/// One line of JSON, and the lines of a table for people.
std::string to_json(const Reproduction& reproduction);
std::string reproduction_header();
std::string reproduction_line(const Reproduction& reproduction);

}  // namespace pf::bench
