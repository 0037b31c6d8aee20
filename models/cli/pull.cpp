#include <iostream>

#include "models/autoregressive/autoregressive.h"
#include "models/cli/input.h"
#include "models/cli/output.h"
#include "models/diffusion/chain.h"
#include "models/diffusion/consistency.h"
#include "models/flow_matching/mean_flow.h"
#include "models/flow_matching/stochastic_interpolant.h"
#include "models/gan/generator.h"
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

}  // namespace

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
    const Tensor z = inverse ? model.pull(x, context) : model.encode(x, context);
    write_npy(o->out, z);
    std::cout << x.size(0) << " points pulled to " << o->out
              << (inverse ? "" : without_inverse(model, model.push(z, context) - x)) << '\n';
  });
}

}  // namespace pf::cli
