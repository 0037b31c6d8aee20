#include <iostream>

#include "autograd/catalogue.h"
#include "models/cli/command.h"
#include "models/cli/output.h"

namespace pf::cli {

void add_ops(Program& program) {
  Command command = program.add("ops", "list the operations: name, kind, what it is");
  auto json = std::make_shared<bool>(false);
  command.flag("--json", *json, "one JSON object a line");
  command.action([json] {
    Table table({"operation", "kind", ""}, false);
    for (const OpEntry& op : op_catalogue()) {
      if (*json) std::cout << json_line({{"op", op.name}, {"kind", op.kind}, {"description", op.description}}) << '\n';
      else table.add({op.name, op.kind, op.description});
    }
    if (!*json) std::cout << table.text() << op_catalogue().size() << " operations\n";
  });
}

}  // namespace pf::cli
