// Prints the table of what each kernel takes (bench/cuda_budget.md), or with --check holds the kernels to their budgets and the
// written table to what is found.

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>

#include "tensor/files.h"
#include "tests/cuda/compile/budget_table.h"

namespace {

int run(bool check_only) {
  using namespace pf::budget;
  const std::string usage = pf::read_file(PF_BUDGET_USAGE);
  std::string compiler = pf::read_file(PF_BUDGET_COMPILER);
  while (!compiler.empty() && compiler.back() == '\n') compiler.pop_back();
  const Found found{compiler, read_usage(usage), measure_traffic(PF_BUDGET_LIBRARY)};
  if (!check_only) {
    std::cout << table_of(found);
    return 0;
  }
  const std::vector<std::string> wrong = complaints(found);
  for (const std::string& sentence : wrong) std::cout << sentence << '\n';
  std::cout << found.usage.size() << " kernels of all architectures, " << found.traffic.size()
            << " measured while running; " << wrong.size() << " complaints\n";
  const std::string written = pf::read_file(PF_BUDGET_TABLE);
  if (!comparable(written, found)) {
    std::cout << "bench/cuda_budget.md is of another compiler or other architectures: not compared\n";
  } else if (written != table_of(found)) {
    std::cout << "bench/cuda_budget.md is out of date: cuda_budget > bench/cuda_budget.md\n";
    return 1;
  }
  return wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count > 1 && std::strcmp(words[1], "--check") == 0);
  } catch (const std::exception& error) {
    std::cerr << "cuda_budget: " << error.what() << '\n';
    return 1;
  }
}
