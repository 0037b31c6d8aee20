#include <iostream>

#include "models/cli/input.h"
#include "models/train.h"
#include "tensor/npy.h"

namespace pf::cli {

void add_push(Program& program) {
  struct Options {
    std::string folder, z, out;
    ConditionOptions condition;
  };
  auto o = std::make_shared<Options>();
  Command command = program.add("push", "map base samples z to data x = T(z)");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("--z", &o->z, "NPY file [n, base width]", {.required = true});
  command.option("--out", &o->out, "NPY file to write", {.required = true});
  o->condition.add_to(command);
  command.machine();
  command.action([o] {
    const Model model = load_model(o->folder);
    const Tensor z = read_rows(o->z, join("samples of the base ", model.transform().base().describe()),
                               model.transform().base().width());
    write_npy(o->out, model.push(z, o->condition.context(model.config())));
    std::cout << z.size(0) << " points pushed to " << o->out << '\n';
  });
}

}  // namespace pf::cli
