// The benchmark program.
//
//   pushforward_bench [Google Benchmark's flags]
//   pushforward_bench --workloads[=NAME,…] [--json] [--seconds=S] [--threads=N,…]

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

#include "bench/workloads/measure.h"
#include "tensor/suggest.h"

namespace {

struct Options {
  bool workloads = false, json = false;
  std::string names;
  double seconds = 3;
  std::vector<int> threads{1, 2};
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

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    const size_t equals = argument.find('=');
    const std::string flag = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (flag == "--workloads") {
      options.workloads = true;
      options.names = value;
    } else if (flag == "--json") {
      options.json = true;
    } else if (flag == "--seconds") {
      options.seconds = positive(flag, value);
    } else if (flag == "--threads") {
      options.threads.clear();
      for (const std::string& part : parts_of(value)) options.threads.push_back(int(positive(flag, part)));
    } else if (options.workloads) {
      throw pf::UsageError("'" + argument +
                           "' does not go with --workloads: expected --json, --seconds=S or --threads=N,…");
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
  if (!options.json) std::cout << pf::bench::table_header() << std::endl;
  for (const auto& entry : entries)
    for (int threads : options.threads) {
      const auto measurement = pf::bench::measure(entry, threads, options.seconds);
      std::cout << (options.json ? to_json(measurement) : table_row(measurement)) << std::endl;
    }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const Options options = parse(count, arguments);
    if (options.workloads) {
      run_workloads(options);
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
