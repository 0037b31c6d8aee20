#include "models/transfer/transfer.h"

#include <filesystem>
#include <iostream>

#include "models/cli/command.h"
#include "models/cli/output.h"
#include "models/transfer/improvement.h"

namespace pf::cli {
namespace {

void print_json(const TransferTable& table) {
  for (const TransferCell& c : table.cells) {
    std::vector<std::pair<const char*, JsonField>> fields{
        {"family", c.family}, {"improvement", c.improvement}, {"metric", "sliced W2"}};
    if (!c.why_not.empty()) fields.push_back({"why_not", c.why_not});
    else
      fields.insert(fields.end(), {{"before", c.before.value},
                                   {"before_error", c.before.error},
                                   {"after", c.after.value},
                                   {"after_error", c.after.error},
                                   {"gain", c.gain.value},
                                   {"gain_error", c.gain.error},
                                   {"better", c.better()},
                                   {"worse", c.worse()}});
    fields.push_back({"floor", table.floor.value});
    std::cout << json_line(fields) << '\n';
  }
}

void print_table(const TransferTable& table) {
  std::vector<std::string> header{"family"};
  header.insert(header.end(), table.improvements.begin(), table.improvements.end());
  Table text(header);
  std::vector<std::string> reasons;
  for (size_t i = 0; i < table.cells.size(); i += table.improvements.size()) {
    std::vector<std::string> row{table.cells[i].family};
    for (size_t k = 0; k < table.improvements.size(); ++k) {
      const TransferCell& c = table.cells[i + k];
      if (!c.why_not.empty()) {
        row.push_back("–");
        reasons.push_back(join(c.family, ", ", c.improvement, ": ", c.why_not));
      } else {
        char cell[96];
        std::snprintf(cell, sizeof cell, "%.3f ± %.3f → %.3f ± %.3f%s", c.before.value, c.before.error, c.after.value,
                      c.after.error,
                      c.better()  ? " +"
                      : c.worse() ? " -"
                                  : "  ");
        row.push_back(cell);
      }
    }
    text.add(row);
  }
  std::cout
      << text.text()
      << "sliced W2 to test data, before → after; + better, - worse by more than two standard errors of the paired "
         "difference; real data: "
      << with_error(table.floor.value, table.floor.error) << '\n';
  for (const std::string& reason : reasons) std::cout << "– " << reason << '\n';
}

}  // namespace

void add_transfer(Program& program) {
  struct Options {
    TransferOptions transfer;
    bool json = false, list = false;
  };
  auto o = std::make_shared<Options>();
  Command command = program.add("transfer", "try on every family what was invented for one, and measure it");
  command.option("--data", &o->transfer.data, "data set");
  command.option("--out", &o->transfer.folder, "folder for the runs; by default out/transfer-DATA");
  command.option("--families", &o->transfer.families, "only these; with settings: diffusion:variant=consistency",
                 {.separator = ','});
  command.option("--improvements", &o->transfer.improvements, "only these", {.separator = ','});
  command.option("--seed", &o->transfer.seed, "of everything");
  command.option("--seeds", &o->transfer.seeds, "trainings of each family", {.least = 1, .most = 1000});
  command.option("--effort", &o->transfer.effort, "multiplies every family's training steps",
                 {.least = 1e-4, .most = 1000});
  command.flag("--list", o->list, "describe the improvements");
  command.flag("--json", o->json, "one JSON object a cell");
  command.machine();
  command.action([o] {
    if (o->list) {
      for (const Improvement& i : improvements()) std::cout << i.name << ": " << i.sentence << '\n';
      return;
    }
    TransferOptions options = o->transfer;
    if (options.folder.empty()) {
      options.folder = "out/transfer-" + options.data;
      for (char& c : options.folder)
        if (c == ':') c = '-';
    }
    watch_interrupt();
    const TransferTable table = transfer(
        options, [](const std::string& doing) { std::cerr << doing << '\n'; }, interrupted);
    o->json ? print_json(table) : print_table(table);
    if (interrupted()) std::cerr << "stopped; the table holds the families that were finished\n";
  });
}

}  // namespace pf::cli
