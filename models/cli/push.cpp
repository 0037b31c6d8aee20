#include <iostream>

#include "models/cli/command.h"
#include "models/cli/input.h"
#include "models/train.h"
#include "tensor/npy.h"

namespace pf::cli {

void add_push(CLI::App& app) {
  struct Options {
    std::string folder, z, out;
  };
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("push", "map base samples z to data x = T(z)");
  command->add_option("DIR", o->folder, "folder of a training run")->required();
  command->add_option("--z", o->z, "NPY file [n, base width]")->required();
  command->add_option("--out", o->out, "NPY file to write")->required();
  add_threads_option(*command);
  command->callback([o] {
    const Model model = load_model(o->folder);
    const Tensor z = read_rows(o->z, join("samples of the base ", model.transform().base().describe()),
                               model.transform().base().width());
    write_npy(o->out, model.push(z));
    std::cout << z.size(0) << " points pushed to " << o->out << '\n';
  });
}

}  // namespace pf::cli
