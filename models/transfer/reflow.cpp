#include "models/transfer/reflow.h"

#include "models/transfer/distillation.h"
#include "nn/data/batches.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/schedule.h"
#include "tensor/ops/join.h"

namespace pf {

std::string why_not_reflow(const Transform& map) {
  const int64_t from = map.base().width(), to = map.width();
  if (from != to)
    return join("its noise has ", from, " coordinates and its points have ", to,
                ": there are no straight lines between them");
  return {};
}

SteppedMap reflow(const Transform& teacher, Rng& rng, const ReflowOptions& options) {
  const std::string why_not = why_not_reflow(teacher);
  check(why_not.empty(), "reflow: ", why_not);
  check(options.pairs >= options.batch && options.batch >= 1, "reflow: ", options.pairs, " pairs for batches of ",
        options.batch, ": expected at least one batch");
  const int64_t d = teacher.width();
  const TeacherPairs taught = teacher_pairs(teacher, options.pairs, options.temperature, rng);
  SteppedMap student(d, options.euler_steps, options.hidden, options.depth, rng);
  const std::vector<Field> parameters = parameters_of(student);
  Adam adam;
  Batches batches(concat(std::vector{taught.noise, taught.images}, 1), options.batch, rng.child(1));
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options.rate,
                          .warmup = options.steps / 20,
                          .total = options.steps,
                          .final_rate = options.rate / 100};
  for (int64_t step = 0; step < options.steps; ++step) {
    const Tensor batch = batches.next().x;
    const Tensor from = slice(batch, 1, 0, d), line = slice(batch, 1, d) - from;
    const Tensor t = rng.uniform({options.batch, 1}, from.dtype());
    const PathPoints at{.t = t, .x = from + line * t, .velocity = line, .given = {}};
    auto [loss, gradients] =
        value_and_grad(std::span<const Field>(parameters), [&] { return velocity_loss(student.velocity(), at); });
    adam.update(parameters, clip_by_norm(std::move(gradients), 5), schedule(step));
  }
  return student;
}

}  // namespace pf
