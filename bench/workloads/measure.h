#pragma once
// Timing a workload: its steps and its GEMM floor in turns, so that both see the same machine.

#include <string>

#include "bench/workloads/workload.h"

namespace pf::bench {

struct Measurement {
  std::string workload;
  int threads = 1;
  double median_ms = 0, gemm_floor_ms = 0;  // medians over the steps, and over the floor's runs
};

/// Steps for at least `seconds`, after a few that are not counted; with `replay` their computing part is replayed from a recording.
/// Leaves the number of threads at 1.
Measurement measure(const WorkloadEntry& entry, int threads, double seconds, bool replay = false);

/// One line: {"workload": …, "threads": …, "median_ms": …, "gemm_floor_ms": …}
std::string to_json(const Measurement& measurement);
/// Lines of a table for people; efficiency is the floor's share of the step.
std::string table_header();
std::string table_row(const Measurement& measurement);

}  // namespace pf::bench
