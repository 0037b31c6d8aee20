// The benchmark program.
//
//   pushforward_bench [Google Benchmark's flags]
//   pushforward_bench --workloads[=NAME,…] [--json] [--seconds=S] [--threads=N,… | --device=cuda[:N]]
//   pushforward_bench --workloads --replay, steps replayed from a recording (also with --device)
//   pushforward_bench --device cuda[:N], all workloads there
//   pushforward_bench --roofline
//   pushforward_bench --published[=ROW,…|modes|modes/ROW] [--json] [--seeds=N] [--first-seed=N] [--points=N] [--steps=N]

#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string>

#include "bench/published/modes.h"
#include "bench/published/published.h"
#include "bench/roofline/roofline.h"
#include "bench/workloads/measure.h"
#include "tensor/suggest.h"

namespace {

struct Options {
  bool workloads = false, published = false, json = false, roofline = false, replay = false;
  pf::Device device;
  std::string names, rows = "i-cfm,ot-cfm";
  double seconds = 3;
  std::vector<int> threads{1, 2};
  pf::bench::Protocol protocol;
};

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> out;
  for (size_t at = 0; at < list.size();) {
    const size_t comma = std::min(list.find(',', at), list.size());
    out.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

double positive(const std::string& flag, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end || !(value > 0)) throw pf::UsageError(flag + ": '" + text + "': expected a positive number");
  return value;
}

int64_t whole(const std::string& flag, const std::string& text, int64_t least = 1) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < least)
    throw pf::UsageError(flag + ": '" + text + "': expected a whole number from " + std::to_string(least));
  return value;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    const size_t equals = argument.find('=');
    const std::string flag = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (flag == "--device") {
      const bool next = equals == std::string::npos && i + 1 < count;
      options.device = pf::parse_device(next ? arguments[++i] : value);
      options.workloads = options.workloads || options.device.is_cuda();
    } else if (argument == "--replay") {
      options.replay = true;
      options.workloads = true;
    } else if (argument == "--roofline") {
      options.roofline = true;
    } else if (flag == "--workloads") {
      options.workloads = true;
      options.names = value;
    } else if (flag == "--published") {
      options.published = true;
      if (!value.empty()) options.rows = value;
    } else if (options.published && flag == "--seeds") {
      options.protocol.seeds = whole(flag, value);
    } else if (options.published && flag == "--first-seed") {
      options.protocol.first_seed = whole(flag, value, 0);
    } else if (options.published && flag == "--points") {
      options.protocol.points = whole(flag, value);
    } else if (options.published && flag == "--steps") {
      options.protocol.steps = whole(flag, value);
    } else if (flag == "--json") {
      options.json = true;
    } else if (flag == "--seconds") {
      options.seconds = positive(flag, value);
    } else if (flag == "--threads") {
      options.threads.clear();
      for (const std::string& part : parts_of(value)) options.threads.push_back(int(positive(flag, part)));
    } else if (options.workloads) {
      throw pf::UsageError(
          "'" + argument +
          "' does not go with --workloads: expected --json, --seconds=S, --threads=N,… or --device=cuda");
    } else if (options.published) {
      throw pf::UsageError("'" + argument +
                           "' does not go with --published: expected --json, --seeds=N, --first-seed=N, --points=N or "
                           "--steps=N");
    }
  }
  return options;
}

std::vector<pf::bench::WorkloadEntry> chosen(const std::string& names) {
  const auto all = pf::bench::all_workloads();
  if (names.empty()) return {all.begin(), all.end()};
  std::vector<pf::bench::WorkloadEntry> out;
  std::vector<std::string> known;
  for (const auto& entry : all) known.push_back(entry.name);
  for (const std::string& name : parts_of(names)) {
    const size_t before = out.size();
    for (const auto& entry : all)
      if (name == entry.name) out.push_back(entry);
    if (out.size() == before)
      throw pf::UsageError("workload '" + name + "': there is none of this name" + pf::did_you_mean(name, known));
  }
  return out;
}

void run_workloads(const Options& options) {
  const auto entries = chosen(options.names);
  if (options.device.is_cuda()) {
    const pf::UseDevice on(options.device);  // or the reason why not
    if (!options.json) std::cout << pf::bench::device_table_header() << std::endl;
    for (const auto& entry : entries) {
      const double ms = pf::bench::measure_on_device(entry, options.device, options.seconds, options.replay);
      std::cout << (options.json ? pf::bench::device_json(entry.name, options.device, ms)
                                 : pf::bench::device_table_row(entry.name, ms))
                << std::endl;
    }
    return;
  }
  if (!options.json) std::cout << pf::bench::table_header() << std::endl;
  for (const auto& entry : entries)
    for (int threads : options.threads) {
      const auto measurement = pf::bench::measure(entry, threads, options.seconds, options.replay);
      std::cout << (options.json ? to_json(measurement) : table_row(measurement)) << std::endl;
    }
}

/// The mode coverage of adversarial networks: --published=modes, or modes/ROW.
void run_modes(const Options& options) {
  const auto rows = pf::bench::modes_rows_of(options.rows);
  if (!options.json) std::cout << pf::bench::modes_header() << std::endl;
  for (const auto& row : rows) {
    std::vector<pf::bench::ModesOutcome> outcomes;
    const int64_t first = options.protocol.first_seed;
    for (int64_t seed = first; seed < first + options.protocol.seeds; ++seed) {
      outcomes.push_back(pf::bench::train_for_modes(row, uint64_t(seed), options.protocol.steps));
      const auto& o = outcomes.back();
      std::cerr << row.name << ", seed " << seed << ": " << o.captured << " of " << o.modes << " modes, " << o.quality
                << " % of high quality, reverse KL " << o.reverse_kl << ", " << o.seconds << " CPU s" << std::endl;
    }
    std::cout << (options.json ? to_json(row, outcomes) : modes_line(row, outcomes)) << std::endl;
  }
}

/// Row by row; standard error tells of each training as it ends.
void run_published(const Options& options) {
  if (options.rows.starts_with("modes")) return run_modes(options);
  const auto rows = pf::bench::rows_of(options.rows);
  if (!options.json) std::cout << pf::bench::reproduction_header() << std::endl;
  for (const auto& row : rows) {
    pf::bench::Reproduction all{row, options.protocol};
    const int64_t first = options.protocol.first_seed;
    for (int64_t seed = first; seed < first + options.protocol.seeds; ++seed) {
      all.outcomes.push_back(pf::bench::reproduce(row, options.protocol, uint64_t(seed)));
      const auto& o = all.outcomes.back();
      std::cerr << row.name() << ", seed " << seed << ": W2 " << o.w2 << ", NPE " << o.npe << " (energy " << o.energy
                << ", squared W2 " << o.squared_w2 << "), loss " << o.loss << ", " << o.seconds << " s" << std::endl;
    }
    std::cout << (options.json ? to_json(all) : reproduction_line(all)) << std::endl;
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const Options options = parse(count, arguments);
    if (options.roofline) {
      pf::bench::write_roofline(std::cout);
      return 0;
    }
    if (options.workloads) {
      run_workloads(options);
      return 0;
    }
    if (options.published) {
      run_published(options);
      return 0;
    }
  } catch (const pf::UsageError& error) {
    std::cerr << error.what() << "\n";
    return 2;
  } catch (const pf::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
