#include "models/inversion.h"

#include <algorithm>

#include "autograd/engine.h"
#include "nn/optim/adam.h"
#include "nn/optim/schedule.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/where.h"

namespace pf {
namespace {

/// ‖yᵢ − xᵢ‖² for each row.
template <Array A> A squared_residual(const A& y, const Tensor& x) { return sum(square(y - x), -1); }

/// For each row of x the base sample whose image is nearest.
Tensor best_candidates(const Transform& map, const Tensor& x, const InversionOptions& options, const Tensor& context) {
  Rng rng(options.seed);
  if (context.defined() && context.size(0) > 1) {
    // Each row has a map of its own, so candidates cannot be shared between rows.
    Tensor best, least;
    for (int64_t i = 0; i < std::min<int64_t>(options.candidates, 64); ++i) {
      const Tensor z = map.base().sample(x.size(0), rng, x.dtype());
      const Tensor residual = squared_residual(map.push(Variable(z), context).value(), x);
      const Tensor better = best.defined() ? residual < least : Tensor();
      best = best.defined() ? where(unsqueeze(better, 1), z, best) : z;
      least = least.defined() ? where(better, residual, least) : residual;
    }
    return best;
  }
  const Tensor z = map.base().sample(options.candidates, rng, x.dtype());
  const Tensor images = map.push(Variable(z), context).value();
  std::vector<Tensor> found;
  constexpr int64_t rows = 512;  // at a time, so that the table of distances stays small
  for (int64_t i = 0; i < x.size(0); i += rows) {
    const Tensor part = slice(x, 0, i, std::min(i + rows, x.size(0)));
    const Tensor score = sum(square(images), -1) - matmul(part, transpose(images)) * 2;  // ‖x‖² is the same for all
    found.push_back(index_select(z, 0, argmin(score, -1)));
  }
  return concat(found, 0);
}

}  // namespace

Inversion invert_by_optimisation(const Transform& map, const Tensor& x, const InversionOptions& options,
                                 const Tensor& context) {
  check_rows("inversion", x.shape(), map.width());
  check(options.candidates >= 1 && options.steps >= 0, "inversion: ", options.candidates, " candidates and ",
        options.steps, " steps: expected at least one candidate and no negative number of steps");
  check(map.traits().smooth, "inversion: the map is a step function, which has no slope to follow; use encode");
  if (x.size(0) == 0) return {zeros({0, map.base().width()}, x.dtype()), zeros({0}, x.dtype())};

  Variable z(best_candidates(map, x, options, context));
  Tensor best = z.value(), least = squared_residual(map.push(z, context).value(), x);
  const Field parameter{"z", &z, nullptr};
  Adam adam;
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options.rate,
                          .total = std::max<int64_t>(options.steps, 1),
                          .final_rate = options.rate / 1000};
  for (int64_t step = 0; step < options.steps; ++step) {
    const Variable at = tracked(z.value());
    // Rows do not influence each other, so the sum has each row's own gradient.
    const Tensor slope = grad(sum(squared_residual(map.push(at, context), x)), at);
    adam.update(std::span(&parameter, 1), {{slope}}, schedule(step));
    const Tensor now = squared_residual(map.push(z, context).value(), x);
    const Tensor better = now < least;
    best = where(unsqueeze(better, 1), z.value(), best);
    least = where(better, now, least);
  }
  return {best, sqrt(least)};
}

}  // namespace pf
