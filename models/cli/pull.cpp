#include <cmath>
#include <iostream>

#include "models/cli/input.h"
#include "models/cli/output.h"
#include "models/inversion.h"
#include "models/train.h"
#include "tensor/npy.h"
#include "tensor/ops/reduce.h"

namespace pf::cli {
namespace {

struct Options {
  std::string folder, x, out;
  bool optimise = false;
  InversionOptions inversion;
  ConditionOptions condition;
};

void run(const Options& o) {
  const Model model = load_model(o.folder);
  const Tensor x = read_rows(o.x, join("data like ", model.config().data), model.config().width);
  const Tensor context = o.condition.context(model.config());
  const Transform& map = model.transform();
  if (o.optimise) {
    const Inversion found = invert_by_optimisation(map, x, o.inversion, context);
    write_npy(o.out, found.z);
    std::cout << x.size(0) << " points pulled to " << o.out << " by optimisation: T(z) is "
              << brief(x.size(0) > 0 ? mean(found.residual).item() : 0) << " from x on average";
    if (!map.traits().smooth) std::cout << "; slopes are those of the relaxed map, " << map.traits().relaxed;
    std::cout << '\n';
    return;
  }
  const bool inverse = map.traits().invertible;
  write_npy(o.out, inverse ? model.pull(x, context) : model.encode(x, context));
  std::cout << x.size(0) << " points pulled to " << o.out
            << (inverse ? "" : " by the encoder: " + model.config().family + " has no exact inverse") << '\n';
}

}  // namespace

void add_pull(Program& program) {
  auto o = std::make_shared<Options>();
  Command command = program.add("pull", "map data x back to the base: z with T(z) = x");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("--x", &o->x, "NPY file [n, data width]", {.required = true});
  command.option("--out", &o->out, "NPY file to write", {.required = true});
  command.flag("--optimise", o->optimise, "look for z along the slope of the map instead of asking inverse or encoder");
  command.option("--steps", &o->inversion.steps, "--optimise: of the search", {.least = 0, .most = 1000000});
  command.option("--prior-weight", &o->inversion.prior_weight,
                 "--optimise: of -log p0(z) beside the squared distance; 2 s^2 where T(z) is seen with noise s",
                 {.least = 0});
  command.option("--seed", &o->inversion.seed, "--optimise: of the noise where the search starts");
  o->condition.add_to(command);
  command.machine();
  command.action([o] { run(*o); });
}

}  // namespace pf::cli
