#include "models/transfer/distillation.h"

#include <algorithm>

#include "nn/data/batches.h"
#include "nn/gradients.h"
#include "nn/loss.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/schedule.h"
#include "tensor/ops/join.h"

namespace pf {

TeacherPairs teacher_pairs(const Transform& teacher, int64_t count, double temperature, Rng& rng) {
  const Tensor noise = rng.normal({count, teacher.base().width()});
  const bool smooth = teacher.traits().smooth;
  std::vector<Tensor> images;
  constexpr int64_t rows = 2000;  // at a time
  for (int64_t i = 0; i < count; i += rows) {
    const Variable z = teacher.base().from_normal(Variable(slice(noise, 0, i, std::min(count, i + rows))));
    images.push_back((smooth ? teacher.push(z) : teacher.push_relaxed(z, temperature)).value());
  }
  return {noise, concat(images, 0)};
}

std::unique_ptr<Generator> distil(const Transform& teacher, Rng& rng, const DistillationOptions& options) {
  const int64_t w = teacher.base().width();
  check(options.pairs >= options.batch && options.batch >= 1, "distillation: ", options.pairs, " pairs for batches of ",
        options.batch, ": expected at least one batch");
  const TeacherPairs taught = teacher_pairs(teacher, options.pairs, options.temperature, rng);
  const Tensor pairs = concat(std::vector{taught.noise, taught.images}, 1);

  auto student = std::make_unique<Generator>(teacher.width(), w, options.hidden, options.depth, rng);
  const std::vector<Field> parameters = parameters_of(*student);
  Adam adam;
  Batches batches(pairs, options.batch, rng.child(1));
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options.rate,
                          .warmup = options.steps / 20,
                          .total = options.steps,
                          .final_rate = options.rate / 100};
  for (int64_t step = 0; step < options.steps; ++step) {
    const Tensor batch = batches.next().x;
    const Tensor from = slice(batch, 1, 0, w), to = slice(batch, 1, w);
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters),
                                            [&] { return mse(student->push(Variable(from)), Variable(to)); });
    adam.update(parameters, clip_by_norm(std::move(gradients), 1), schedule(step));
  }
  return student;
}

}  // namespace pf
