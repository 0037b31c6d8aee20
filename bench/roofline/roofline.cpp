#include "bench/roofline/roofline.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <ostream>
#include <sstream>

#include "bench/roofline/counts.h"
#include "tensor/cuda_backend.h"
#include "tensor/json.h"
#include "tensor/shared_library.h"

namespace pf::bench {
namespace {

/// What is assumed of a GPU: its maker's figures, and two that are measured by others. All of it is to be replaced by
/// measurements.
struct Gpu {
  const char* name;
  double memory;       // bytes a second
  double cache;        // bytes a second from the level 2 cache
  double cache_bytes;  // what is smaller stays in it from step to step
  double peak;         // float32 operations a second, without tensor cores
};
constexpr std::array gpus = {Gpu{"H100 SXM", 3.35e12, 5.5e12, 50e6, 66.9e12},
                             Gpu{"RTX 4090", 1.008e12, 5.0e12, 72e6, 82.6e12}};
constexpr double launch = 2.5e-6;  // seconds of the host for each, one after the other

template <class... Parts> std::string line(const char* format, const Parts&... parts) {
  char text[240];
  std::snprintf(text, sizeof text, format, parts...);
  return text;
}

pf_roofline_counts count(const WorkloadEntry& entry, pf_roofline_counts (*take)()) {
  const UseDevice on(Device::cuda());
  const std::unique_ptr<Workload> workload = entry.make();
  for (int i = 0; i < 3; ++i) workload->step();
  take();
  workload->step();
  return take();
}

/// The cells of a workload's row in bench/roofline.md; none where it has no row.
std::vector<std::string> written_row(const std::string& workload) {
  std::ifstream file(PF_SOURCE_DIR "/bench/roofline.md");
  std::vector<std::string> cells;
  for (std::string text; std::getline(file, text);) {
    if (!text.starts_with("| `" + workload + "`")) continue;
    std::istringstream row(text);
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(cell);
  }
  return cells;
}
constexpr size_t cells_before = 6, cells_of_gpu = 4;  // in that row: the edge, the name and the counts; of each GPU

}  // namespace

std::string device_table_header() {
  std::string out = line("%-18s %11s", "workload", "step, ms");
  for (const Gpu& g : gpus) out += line("  %s, at least", g.name);
  return out;
}

std::string device_table_row(const std::string& workload, double ms) {
  std::string out = line("%-18s %11.4f", workload.c_str(), ms);
  const std::vector<std::string> cells = written_row(workload);
  for (size_t i = 0; i < gpus.size(); ++i) {
    const size_t at = cells_before + (i + 1) * cells_of_gpu - 1;
    out += line("  %*s", int(std::string(gpus[i].name).size()) + 10, at < cells.size() ? cells[at].c_str() : "-");
  }
  return out;
}

std::string device_json(const std::string& workload, Device device, double ms) {
  return Json{{"workload", workload}, {"device", to_string(device)}, {"median_ms", ms}}.dump();
}

void write_roofline(std::ostream& out) {
  setenv("PF_CUDA_LIBRARY", PF_COUNTING_LIBRARY, 1);
  const SharedLibrary library = open_shared_library("pushforward_cuda", "PF_CUDA_LIBRARY");
  auto* take = library.find<pf_roofline_counts()>("pf_roofline_take_counts");
  check(take, "roofline: ", PF_COUNTING_LIBRARY, ": ", library.why_not, "; build it with ./run build all");

  out << "# The least time of a step on a GPU\n\n"
         "Made by `./run bench --roofline > bench/roofline.md`: one step of each reference workload on a CUDA library "
         "that counts\n"
         "operands and computes nothing. `./run bench --device cuda` measures the same steps on the GPU that is there. "
         "No GPU has "
         "been\nmeasured.\n\n"
         "A step takes at least as long as the slowest of three: the host's launches, one after the other; the bytes "
         "of all operands,\n"
         "each read or written once by each operation; the float32 operations of the matrix products. Assumed:\n\n"
         "| GPU | memory, TB/s | cache, TB/s | cache, MB | float32, TFLOP/s |\n| --- | ---: | ---: | ---: | ---: |\n";
  for (const Gpu& g : gpus)
    out << line("| %s | %.3g | %.3g | %.0f | %.3g |\n", g.name, g.memory / 1e12, g.cache / 1e12, g.cache_bytes / 1e6,
                g.peak / 1e12);
  out << line("\nand %.1f µs a launch.", launch * 1e6)
      << " Bytes come from the cache where all that a step keeps fits there, else from memory. Arithmetic other\n"
         "than products is not counted, and an operation is one launch, though sums over many rows are two.\n"
         "Replayed (`--replay`), a step is one graph and the optimiser's update, so the launches of the host no longer "
         "count: bytes and\n"
         "products are what is left, and the gaps between the kernels of a graph, which are not assumed here.\n\n";
  out << "| workload | launches | MB moved | MB kept | GFLOP |";
  for (const Gpu& g : gpus) out << ' ' << g.name << ": launches, ms | bytes, ms | products, ms | at least, ms |";
  out << "\n| --- | ---: | ---: | ---: | ---: |";
  for (size_t i = 0; i < gpus.size(); ++i) out << " ---: | ---: | ---: | ---: |";
  out << '\n';
  for (const WorkloadEntry& entry : all_workloads()) {
    const pf_roofline_counts c = count(entry, take);
    out << line("| `%s` | %lld | %.2f | %.2f | %.3f |", entry.name, static_cast<long long>(c.launches),
                double(c.bytes) / 1e6, double(c.peak) / 1e6, double(c.flops) / 1e9);
    for (const Gpu& g : gpus) {
      const double launches = double(c.launches) * launch, products = double(c.flops) / g.peak,
                   bytes = double(c.bytes) / (double(c.peak) <= g.cache_bytes ? g.cache : g.memory);
      out << line(" %.3f | %.4f | %.4f | %.3f |", launches * 1e3, bytes * 1e3, products * 1e3,
                  std::max({launches, bytes, products}) * 1e3);
    }
    out << '\n';
  }
}

double measure_on_device(const WorkloadEntry& entry, Device device, double seconds, bool replay) {
  using Clock = std::chrono::steady_clock;
  const UseDevice on(device);
  const std::unique_ptr<Workload> workload = entry.make();
  if (replay) workload->replay();
  // Seconds of so many steps, from an idle device to an idle device.
  const auto run = [&](int64_t steps) {
    const auto start = Clock::now();
    for (int64_t i = 0; i < steps; ++i) workload->step();
    cuda::backend().synchronize();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  run(3);  // memory, plans of cuBLAS
  // Turns of a thirtieth of the time, so that the wait at the end of one is small beside its steps.
  const double turn = seconds / 30;
  const auto steps = int64_t(std::clamp(turn / std::max(run(1), 1e-6), 1.0, 1e5));
  std::vector<double> times;
  for (double total = 0; total < seconds;) {
    const double time = run(steps);
    total += time;
    times.push_back(time / double(steps) * 1e3);
  }
  std::nth_element(times.begin(), times.begin() + std::ptrdiff_t(times.size() / 2), times.end());
  return times[times.size() / 2];
}

}  // namespace pf::bench
