#include <iostream>

#include "models/cli/input.h"
#include "models/train.h"
#include "tensor/npy.h"

namespace pf::cli {

void add_pull(Program& program) {
  struct Options {
    std::string folder, x, out;
    ConditionOptions condition;
  };
  auto o = std::make_shared<Options>();
  Command command = program.add("pull", "map data x back to the base: z with T(z) = x");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("--x", &o->x, "NPY file [n, data width]", {.required = true});
  command.option("--out", &o->out, "NPY file to write", {.required = true});
  o->condition.add_to(command);
  command.machine();
  command.action([o] {
    const Model model = load_model(o->folder);
    const Tensor x = read_rows(o->x, join("data like ", model.config().data), model.config().width);
    const bool inverse = model.transform().traits().invertible;
    const Tensor context = o->condition.context(model.config());
    write_npy(o->out, inverse ? model.pull(x, context) : model.encode(x, context));
    std::cout << x.size(0) << " points pulled to " << o->out
              << (inverse ? "" : " by the encoder: " + model.config().family + " has no exact inverse") << '\n';
  });
}

}  // namespace pf::cli
