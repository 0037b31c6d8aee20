#include <filesystem>
#include <iostream>

#include "models/cli/command.h"
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
      reshape(model.push(reshape(z, {o.steps * o.rows, base.width()})), {o.steps, o.rows, model.config().width});
  const Tensor by_row = permute(x, {1, 0, 2});  // [rows, steps, width]
  if (ending == ".npy") write_npy(o.out, by_row);
  else write_interpolation_picture(o.out, model.config(), by_row);
  std::cout << o.rows << " interpolations of " << o.steps << " steps in " << o.out << '\n';
}

}  // namespace

void add_interpolate(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("interpolate", "walk between base samples, staying in the base law");
  command->add_option("DIR", o->folder, "folder of a training run")->required();
  command->add_option("--out", o->out, "x.npy [rows, steps, width], or a picture x.png")->required();
  command->add_option("--rows", o->rows, "how many walks")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(1), int64_t(10000)));
  command->add_option("--steps", o->steps, "points a walk")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(2), int64_t(10000)));
  command->add_option("--seed", o->seed, "of the base noise")->default_val(0);
  add_threads_option(*command);
  command->callback([o] { run(*o); });
}

}  // namespace pf::cli
