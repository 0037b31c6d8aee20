#include <cmath>
#include <iostream>

#include "models/autoregressive/autoregressive.h"
#include "models/cli/input.h"
#include "models/cli/output.h"
#include "models/diffusion/chain.h"
#include "models/diffusion/consistency.h"
#include "models/flow_matching/mean_flow.h"
#include "models/flow_matching/stochastic_interpolant.h"
#include "models/gan/generator.h"
#include "models/inversion.h"
#include "models/train.h"
#include "tensor/npy.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/reduce.h"

namespace pf::cli {
namespace {

/// How z was found by a model that has no inverse, and how far its images are from x: `missed`.
std::string without_inverse(const Model& model, const Tensor& missed) {
  const Transform& map = model.inner();
  const bool whole = model.data_kind() != DataKind::real;
  const bool searched = dynamic_cast<const Generator*>(&map) || dynamic_cast<const MeanFlow*>(&map) ||
                        dynamic_cast<const ConsistencyModel*>(&map);
  const char* how = searched                                           ? "by optimisation"
                    : dynamic_cast<const DiffusionChain*>(&map)        ? "with the noises that make a way to them"
                    : dynamic_cast<const StochasticInterpolant*>(&map) ? "with the noises that make a way to them"
                    : dynamic_cast<const Autoregressive*>(&map)        ? "to the middle of the noise that leads to each"
                                                                       : "by the encoder";
  std::string out = join(" ", how, ": ", model.config().family, " with these settings has no exact inverse");
  const Tensor far = norm(missed, -1);
  if (far.numel() > 0 && !whole)
    out +=
        join("; pushed again they are ", brief(mean(far).item()), " away on average, at most ", brief(max(far).item()));
  return out;
}

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
  const Tensor z = inverse ? model.pull(x, context) : model.encode(x, context);
  write_npy(o.out, z);
  std::cout << x.size(0) << " points pulled to " << o.out
            << (inverse ? "" : without_inverse(model, model.push(z, context) - x)) << '\n';
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
