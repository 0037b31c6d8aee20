#include <algorithm>
#include <iostream>

#include "autograd/op_check.h"
#include "models/cli/command.h"
#include "models/cli/output.h"
#include "tensor/suggest.h"

namespace pf::cli {
namespace {

std::vector<const OpEntry*> chosen(const std::string& name) {
  std::vector<const OpEntry*> list;
  std::vector<std::string> names;
  for (const OpEntry& op : op_catalogue()) {
    names.push_back(op.name);
    if (name.empty() || op.name == name) list.push_back(&op);
  }
  if (list.empty())
    throw UsageError(
        join("gradcheck: no operation '", name, "'", did_you_mean(name, names), "; `pushforward ops` lists them"));
  return list;
}

/// All inputs and layouts of one operation together.
struct Summary {
  GradcheckReport counts;
  size_t inputs = 0;
  std::string failure;  // of the first that is wrong
};

Summary summarise(const std::vector<OpCheck>& checks) {
  Summary sum;
  sum.inputs = checks.size();
  for (const OpCheck& c : checks) {
    sum.counts.first_order += c.gradients.first_order;
    sum.counts.second_order += c.gradients.second_order;
    sum.counts.forward_mode += c.gradients.forward_mode;
    sum.counts.worst_error = std::max(sum.counts.worst_error, c.gradients.worst_error);
    if (!c.ok() && sum.failure.empty()) sum.failure = to_string(c);
  }
  return sum;
}

void run(const std::string& name, bool json) {
  int64_t comparisons = 0, failed = 0;
  Table table({"operation", "first order", "second order", "forward mode", "worst error", ""});
  for (const OpEntry* op : chosen(name)) {
    if (!op->differentiable()) {
      if (!json) table.add({op->name, "–", "–", "–", "–", "has no derivative"});
      continue;
    }
    const Summary sum = summarise(check_op(*op));
    failed += !sum.failure.empty();
    comparisons += sum.counts.comparisons();
    const GradcheckReport& c = sum.counts;
    if (json) {
      std::cout << json_line({{"op", op->name},
                              {"ok", sum.failure.empty()},
                              {"inputs", int64_t(sum.inputs)},
                              {"first_order", c.first_order},
                              {"second_order", c.second_order},
                              {"forward_mode", c.forward_mode},
                              {"worst_error", c.worst_error},
                              {"failure", sum.failure}})
                << '\n';
    } else {
      table.add({op->name, std::to_string(c.first_order), std::to_string(c.second_order),
                 std::to_string(c.forward_mode), brief(c.worst_error),
                 sum.failure.empty() ? "ok" : "WRONG: " + sum.failure});
    }
  }
  if (!json) std::cout << table.text() << comparisons << " numbers compared\n";
  check(failed == 0, "gradcheck: ", failed, failed == 1 ? " operation has" : " operations have", " wrong derivatives");
}

}  // namespace

void add_gradcheck(Program& program) {
  struct Options {
    std::string op;
    bool json = false;
  };
  auto o = std::make_shared<Options>();
  Command command = program.add("gradcheck", "check derivatives of operations against finite differences");
  command.option("OP", &o->op, "one operation; without it all");
  command.flag("--json", o->json, "one JSON object an operation");
  command.action([o] { run(o->op, o->json); });
}

}  // namespace pf::cli
