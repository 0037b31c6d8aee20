#include <filesystem>
#include <iostream>

#include "models/cli/command.h"
#include "models/report/pictures.h"
#include "models/train.h"
#include "tensor/npy.h"

namespace pf::cli {

void add_sample(CLI::App& app) {
  struct Options {
    std::string folder, out;
    int64_t count = 1000;
    uint64_t seed = 0;
  };
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("sample", "draw samples from a trained model");
  command->add_option("DIR", o->folder, "folder of a training run")->required();
  command->add_option("-n,--count", o->count, "how many")
      ->default_val(1000)
      ->check(CLI::Range(int64_t(1), int64_t(10000000)));
  command->add_option("--out", o->out, "x.npy for the numbers, x.png for a picture")->required();
  command->add_option("--seed", o->seed, "of the base noise")->default_val(0);
  add_threads_option(*command);
  command->callback([o] {
    const std::string ending = std::filesystem::path(o->out).extension();
    if (ending != ".npy" && ending != ".png")
      throw UsageError(join("--out ", o->out, ": expected a name that ends in .npy or .png"));
    const Model model = load_model(o->folder);
    Rng rng(o->seed);
    const Tensor x = model.sample(o->count, rng);
    if (ending == ".npy") write_npy(o->out, x);
    else write_sample_picture(o->out, model.config(), x);
    std::cout << o->count << " samples of " << model.config().family << " (" << model.config().data << ") in " << o->out
              << '\n';
  });
}

}  // namespace pf::cli
