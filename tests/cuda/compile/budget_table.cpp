#include "tests/cuda/compile/budget_table.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "tensor/error.h"
#include "tests/cuda/compile/budgets.h"

namespace pf::budget {
namespace {

const Budget* budget_of(const KernelName& name) {
  const Budget* found = nullptr;
  for (const Budget& budget : budgets)
    if (budget.kernel == name.kernel && (budget.body.empty() ? !found : budget.body == name.body)) found = &budget;
  return found;
}

const Traffic* traffic_of(const Found& found, const KernelName& name) {
  const auto at = found.traffic.find(name.kernel + " " + name.body);
  return at == found.traffic.end() ? nullptr : &at->second;
}

template <class... Parts> std::string line(const char* format, const Parts&... parts) {
  char text[400];
  std::snprintf(text, sizeof text, format, parts...);
  return text;
}

/// "by nvcc V13.0.88 for 12 architectures: 7.5, 8.0 …"
std::string made_by(const Found& found) {
  std::set<int> architectures;
  for (const KernelUsage& usage : found.usage) architectures.insert(usage.architecture);
  std::string list;
  for (int one : architectures) list += line("%s%d.%d", list.empty() ? "" : ", ", one / 10, one % 10);
  return join("by nvcc ", found.compiler, " for ", architectures.size(), " architectures: ", list);
}

struct Row {
  std::map<int, int> instances;  // by architecture
  int least_registers = 1 << 20, most_registers = 0;
  std::string most_of;
  double least_occupancy = 1e9;
  int least_on = 0;
  int64_t shared = 0;
};

}  // namespace

std::string table_of(const Found& found) {
  std::map<std::string, Row> rows;  // by kernel, body and elements
  std::map<std::string, const KernelUsage*> example;
  for (const KernelUsage& usage : found.usage) {
    const std::string key =
        line("`%s`%s%s%s | %s", usage.name.kernel.c_str(), usage.name.body.empty() ? "" : " `", usage.name.body.c_str(),
             usage.name.body.empty() ? "" : "`", usage.name.elements.c_str());
    Row& row = rows[key];
    example[key] = &usage;
    ++row.instances[usage.architecture];
    row.least_registers = std::min(row.least_registers, usage.registers);
    row.most_registers = std::max(row.most_registers, usage.registers);
    row.shared = std::max(row.shared, usage.shared);
    const Budget* budget = budget_of(usage.name);
    const Traffic* traffic = traffic_of(found, usage.name);
    if (!budget) continue;
    const double share = 100 * occupancy(usage, budget->threads, traffic ? traffic->shared : 0);
    if (share > 0 && share < row.least_occupancy) {
      row.least_occupancy = share;
      row.least_on = usage.architecture;
    }
  }
  std::string out =
      "# The budget of the CUDA kernels\n\nMade by `cuda_budget > bench/cuda_budget.md` (in the build folder's "
      "`tests/cuda/compile/`, after `ctest -R cuda_compile` with\n`-DPF_CUDA_TEST_ARCHITECTURES=all`), " +
      made_by(found) +
      ".\n\nNo kernel spills a register or uses local memory. Registers are those of all instances of a kernel on all "
      "architectures. Occupancy is\nthe share of an SM's threads that are resident, by NVIDIA's calculator, for the "
      "worst "
      "of them. Sectors are the bytes of all 32-byte\nsectors that warps ask for, for each byte that has to be read or "
      "written, counted by the race checker on some 10,000 elements\n(an empty cell: not run there). Limits stand in "
      "`tests/cuda/compile/budgets.h`.\n\n"
      "| kernel | elements | instances | registers | threads | shared, bytes | occupancy, at least | on | sectors |\n"
      "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |\n";
  size_t kernels = 0;
  for (const auto& [key, row] : rows) {
    const KernelName& name = example[key]->name;
    const Budget* budget = budget_of(name);
    const Traffic* traffic = traffic_of(found, name);
    int instances = 0;
    for (const auto& [architecture, count] : row.instances) instances = std::max(instances, count);
    kernels += size_t(instances);
    out +=
        line("| %s | %d | %d–%d | %d | %lld | %.0f %% | %d.%d | %s |\n", key.c_str(), instances, row.least_registers,
             row.most_registers, budget ? budget->threads : 0, static_cast<long long>(row.shared), row.least_occupancy,
             row.least_on / 10, row.least_on % 10, traffic ? line("%.2f", traffic->ratio()).c_str() : "");
  }
  out += join("\n", kernels, " kernels. Allowed more than the rule (50 % occupancy, 1.05 times the bytes):\n\n");
  for (const Budget& budget : budgets)
    if (!budget.why.empty())
      out += join("- `", budget.kernel, "`", budget.body.empty() ? "" : " `" + std::string(budget.body) + "`", ": ",
                  budget.why, ".\n");
  return out;
}

std::vector<std::string> complaints(const Found& found) {
  std::vector<std::string> out;
  std::set<std::string> said;
  const auto say = [&](const std::string& sentence) {
    if (said.insert(sentence).second) out.push_back(sentence);
  };
  std::set<const Budget*> used;
  for (const KernelUsage& usage : found.usage) {
    const std::string where = join(usage.name.whole, " for sm_", usage.architecture);
    if (usage.spilled > 0) say(join(where, ": ", usage.spilled, " bytes of registers are spilled"));
    if (usage.local > 0)
      say(join(where, ": ", usage.local,
               " bytes of local memory (an array with an index that is not constant, or a function "
               "that is not inlined; a formula of much arithmetic says `static constexpr bool heavy = true`)"));
    const Budget* budget = budget_of(usage.name);
    if (!budget) {
      say(join("the kernel ", usage.name.kernel, " has no budget: add a line to tests/cuda/compile/budgets.h"));
      continue;
    }
    used.insert(budget);
    const Traffic* traffic = traffic_of(found, usage.name);
    const double share = 100 * occupancy(usage, budget->threads, traffic ? traffic->shared : 0);
    if (share < budget->occupancy && share > 0)
      say(join(where, ": ", usage.registers, " registers and ", usage.shared, " bytes of shared memory leave ", share,
               " % occupancy, the budget is ", budget->occupancy, " %"));
    if (traffic && traffic->threads > budget->threads)
      say(join(usage.name.kernel, ": blocks of ", traffic->threads, " threads were launched, the budget says ",
               budget->threads));
    if (traffic && budget->sectors > 0 && traffic->ratio() > budget->sectors)
      say(join(usage.name.kernel, " ", usage.name.body, ": sectors of ", traffic->ratio(),
               " bytes for each byte to move, the budget is ", budget->sectors));
    if (budget->sectors > 0 && !budget->body.empty() && !traffic)
      say(join(usage.name.kernel, " ", usage.name.body,
               ": no traffic was measured; run it in tests/cuda/compile/traffic.cpp"));
  }
  for (const Budget& budget : budgets)
    if (!used.contains(&budget))
      say(join("the budget of ", budget.kernel, " ", budget.body, " fits no kernel: remove it"));
  return out;
}

bool comparable(const std::string& written, const Found& found) {
  return written.find(made_by(found)) != std::string::npos;
}

}  // namespace pf::budget
