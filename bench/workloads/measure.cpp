#include "bench/workloads/measure.h"

#include <cblas.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include "tensor/json.h"
#include "tensor/parallel.h"

namespace pf::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Calls f again and again for `seconds`, at least once; the time of each call is appended, in milliseconds.
template <class F> double repeat(double seconds, std::vector<double>& times, const F& f) {
  double total = 0;
  do {
    const auto start = Clock::now();
    f();
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    times.push_back(elapsed * 1e3);
    total += elapsed;
  } while (total < seconds);
  return total;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <class... Parts> std::string line(const char* format, const Parts&... parts) {
  char text[160];
  std::snprintf(text, sizeof text, format, parts...);
  return text;
}

}  // namespace

Measurement measure(const WorkloadEntry& entry, int threads, double seconds, bool replay) {
  constexpr double turn = 0.05;
  const std::unique_ptr<Workload> workload = entry.make();
  if (replay) workload->replay();
  set_threads(threads);
  std::vector<double> steps, floors, ignored;
  auto run_floor = [&] {
    openblas_set_num_threads(threads);
    repeat(turn / 2, floors, [&] { workload->floor.run(); });
    openblas_set_num_threads(1);  // as the stack holds it: its own threads are above OpenBLAS
  };
  for (int i = 0; i < 5; ++i) repeat(0, ignored, [&] { workload->step(); });
  run_floor();
  floors.clear();
  for (double total = 0; total < seconds;) {
    total += repeat(turn, steps, [&] { workload->step(); });
    run_floor();
  }
  set_threads(1);
  return {entry.name, threads, median(std::move(steps)), median(std::move(floors))};
}

std::string to_json(const Measurement& m) {
  return Json{
      {"workload", m.workload}, {"threads", m.threads}, {"median_ms", m.median_ms}, {"gemm_floor_ms", m.gemm_floor_ms}}
      .dump();
}

std::string table_header() {
  return line("%-18s %7s %11s %13s %11s", "workload", "threads", "step, ms", "GEMM floor", "efficiency");
}
std::string table_row(const Measurement& m) {
  return line("%-18s %7d %11.3f %13.3f %10.0f%%", m.workload.c_str(), m.threads, m.median_ms, m.gemm_floor_ms,
              100 * m.gemm_floor_ms / m.median_ms);
}

}  // namespace pf::bench
