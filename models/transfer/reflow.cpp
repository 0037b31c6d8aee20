#include "models/transfer/reflow.h"

#include "models/transfer/distillation.h"
#include "models/transfer/fit.h"
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
  fit(parameters_of(student), Batches(concat(std::vector{taught.noise, taught.images}, 1), options.batch, rng.child(1)),
      options.steps, options.rate, 5, [&](const Tensor& batch) {
        const Tensor from = slice(batch, 1, 0, d), line = slice(batch, 1, d) - from;
        const Tensor t = rng.uniform({options.batch, 1}, from.dtype());
        return velocity_loss(student.velocity(),
                             PathPoints{.t = t, .x = from + line * t, .velocity = line, .given = {}});
      });
  return student;
}

}  // namespace pf
