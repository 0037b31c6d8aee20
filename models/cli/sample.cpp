#include <filesystem>
#include <iostream>

#include "models/cli/command.h"
#include "models/report/pictures.h"
#include "models/train.h"
#include "tensor/npy.h"

namespace pf::cli {

void add_sample(Program& program) {
  struct Options {
    std::string folder, out;
    int64_t count = 1000;
    uint64_t seed = 0;
  };
  auto o = std::make_shared<Options>();
  Command command = program.add("sample", "draw samples from a trained model");
  command.option("DIR", &o->folder, "folder of a training run", {.required = true});
  command.option("-n,--count", &o->count, "how many", {.least = 1, .most = 10000000});
  command.option("--out", &o->out, "x.npy for the numbers, x.png for a picture", {.required = true});
  command.option("--seed", &o->seed, "of the base noise");
  command.threads();
  command.action([o] {
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
