#include "models/transfer/distillation.h"

#include <algorithm>

#include "models/transfer/fit.h"
#include "nn/loss.h"
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
  fit(parameters_of(*student), Batches(pairs, options.batch, rng.child(1)), options.steps, options.rate, 1,
      [&](const Tensor& batch) {
        const Tensor from = slice(batch, 1, 0, w), to = slice(batch, 1, w);
        return mse(student->push(Variable(from)), Variable(to));
      });
  return student;
}

}  // namespace pf
