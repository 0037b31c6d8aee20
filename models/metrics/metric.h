#pragma once
// Metric: one measured number, with what is needed to read it.

#include <limits>
#include <string>

namespace pf {

/// NaN means unknown; tables leave such a place empty.
struct Metric {
  std::string name;  // the same text in every family that has it: it is the column of a table
  double value = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();  // standard error
  double floor = std::numeric_limits<double>::quiet_NaN();  // what real data get against real data; an entropy for NLL
  /// Of likelihoods "exact", "ode", "bound" or "none"; "binarised" of other figures for which samples of 0 and 1 were compared
  /// with data drawn as 0 or 1: they compare with each other only.
  std::string kind;
  bool lower_is_better = true;
  std::string note;  // how it was measured, one sentence
  std::string unit;  // "nats"
};

}  // namespace pf
