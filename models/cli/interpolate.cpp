#include <filesystem>
#include <iostream>

#include "models/cli/input.h"
#include "models/interpolation.h"
#include "models/report/pictures.h"
#include "models/train.h"
#include "tensor/npy.h"
#include "tensor/ops/views.h"

namespace pf::cli {
namespace {

struct Options {
  std::string folder, out;
  int64_t rows = 8, steps = 12;
  uint64_t seed = 0;
  ConditionOptions condition;
};

void run(const Options& o) {
  const std::string ending = std::filesystem::path(o.out).extension();
  if (ending != ".npy" && ending != ".png")
    throw UsageError(join("--out ", o.out, ": expected a name that ends in .npy or .png"));
  const Model model = load_model(o.folder);
  const Distribution& base = model.transform().base();
  Rng rng(o.seed);
  const Tensor from = base.sample(o.rows, rng), to = base.sample(o.rows, rng);
  const Tensor z = interpolate(base, from, to, o.steps);  // [steps, rows, base width]
  const Tensor x =
      reshape(model.push(reshape(z, {o.steps * o.rows, base.width()}), o.condition.context(model.config())),
              {o.steps, o.rows, model.config().width});
  const Tensor by_row = permute(x, {1, 0, 2});  // [rows, steps, width]
  if (ending == ".npy") write_npy(o.out, by_row);
  else write_interpolation_picture(o.out, model.config(), by_row);
  std::cout << o.rows << " interpolations of " << o.steps << " steps in " << o.out << '\n';
}

}  // namespace

void add_interpolate(Program& program) {
  auto o = std::make_shared<Options>();
  Command command = program.add("interpolate", "walk between base samples, staying in the base law");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("--out", &o->out, "x.npy [rows, steps, width], or a picture x.png", {.required = true});
  command.option("--rows", &o->rows, "how many walks", {.least = 1, .most = 10000});
  command.option("--steps", &o->steps, "points a walk", {.least = 2, .most = 10000});
  command.option("--seed", &o->seed, "of the base noise");
  o->condition.add_to(command);
  command.machine();
  command.action([o] { run(*o); });
}

}  // namespace pf::cli
