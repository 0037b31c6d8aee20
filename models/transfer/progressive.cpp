#include "models/transfer/progressive.h"

#include <algorithm>

#include "models/context.h"
#include "models/inversion.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/schedule.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

/// The positions on the way from normal noise, at so many even steps that their number is a power of two: [n, d] each.
std::vector<Tensor> ways(const Transform& teacher, int64_t count, Rng& rng) {
  const Tensor z = rng.normal({count, teacher.base().width()});
  std::vector<Tensor> positions = teacher.path(teacher.base().from_normal(Variable(z)).value());
  positions.front() = z;
  const int64_t there = int64_t(positions.size()) - 1;
  int64_t steps = 1;
  while (2 * steps <= there) steps *= 2;
  std::vector<Tensor> even;
  for (int64_t i = 0; i <= steps; ++i) even.push_back(positions[size_t(i * there / steps)]);
  return even;
}

/// Teaches the student the steps from the positions of each time to `goals`.
void learn(SteppedMap& student, const std::vector<Tensor>& from, const std::vector<Tensor>& goals, Rng& rng,
           const ProgressiveOptions& options) {
  std::vector<Tensor> times;
  for (size_t i = 0; i < from.size(); ++i)
    times.push_back(full({from[i].size(0), 1}, double(i) / double(student.steps()), from[i].dtype()));
  const Tensor x = concat(from, 0), t = concat(times, 0), to = concat(goals, 0);
  const std::vector<Field> parameters = parameters_of(student);
  Adam adam;
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options.rate,
                          .warmup = options.steps / 20,
                          .total = options.steps,
                          .final_rate = options.rate / 100};
  const double scale = double(student.steps() * student.steps()) / double(options.batch);
  for (int64_t step = 0; step < options.steps; ++step) {
    const Tensor rows = rng.integers(x.size(0), {options.batch});
    const Tensor goal = index_select(to, 0, rows);
    // In units of the velocity: a step's error counts as much whatever its length.
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
      return sum(square(student.step(Variable(index_select(x, 0, rows)), index_select(t, 0, rows)) - Variable(goal))) *
             scale;
    });
    adam.update(parameters, clip_by_norm(std::move(gradients), 5), schedule(step));
  }
}

}  // namespace

SteppedMap::SteppedMap(int64_t width, int64_t steps, int64_t hidden, int64_t depth, Rng& rng)
    : steps_(steps), base_(width), velocity_(width, hidden, depth, 0, rng) {
  check(steps >= 1, "stepped map: ", steps, " steps: expected at least 1");
}

Variable SteppedMap::step(const Variable& x, const Tensor& time) const {
  return x + velocity_(x, time) / double(steps_);
}

void SteppedMap::halve() {
  check(steps_ % 2 == 0, "stepped map: ", steps_, " steps cannot be halved");
  steps_ /= 2;
}

Variable SteppedMap::push(const Variable& z, const Tensor& context) const {
  check_rows("stepped map push", z.shape(), width());
  context_rows("stepped map", context, z.size(0), 0, z.dtype());
  Variable x = z;
  for (int64_t i = 0; i < steps_; ++i) x = step(x, full({1, 1}, double(i) / double(steps_), z.dtype()));
  return x;
}

std::vector<Tensor> SteppedMap::path(const Tensor& z, const Tensor&) const {
  check_rows("stepped map path", z.shape(), width());
  std::vector<Tensor> positions{z};
  for (int64_t i = 0; i < steps_; ++i)
    positions.push_back(step(Variable(positions.back()), full({1, 1}, double(i) / double(steps_), z.dtype())).value());
  return positions;
}

Tensor SteppedMap::encode(const Tensor& x, const Tensor& context) const {
  check_rows("stepped map encode", x.shape(), width());
  return invert_by_optimisation(*this, x, {}, context).z;
}

std::string why_not_progressive(const Transform& map) {
  const Traits traits = map.traits();
  if (!traits.smooth) return "its map is a step function, which a smooth student cannot copy";
  if (traits.steps > 1 && !traits.same_width)
    return "its steps take fresh noise, which a student of the point alone is not told";
  const Tensor middle = map.base().from_normal(Variable(zeros({1, map.base().width()}))).value();
  if (traits.steps == 1 || !traits.same_width || map.path(middle).size() <= 2) return "its map is one step already";
  return {};
}

SteppedMap distil_progressively(const Transform& teacher, Rng& rng, int64_t steps, const ProgressiveOptions& options) {
  const std::string why_not = why_not_progressive(teacher);
  check(why_not.empty(), "progressive distillation: ", why_not);
  const std::vector<Tensor> way = ways(teacher, options.pairs, rng);
  const int64_t whole = int64_t(way.size()) - 1;
  check(steps >= 1 && steps <= whole && whole % steps == 0, "progressive distillation: ", steps, " steps of ", whole,
        ": expected a power of two from 1 to ", whole);
  SteppedMap student(teacher.width(), whole, options.hidden, options.depth, rng);
  // A copy of the map first, step by step; then each halving learns from the one before it.
  learn(student, {way.begin(), way.end() - 1}, {way.begin() + 1, way.end()}, rng, options);
  while (student.steps() > steps) {
    const int64_t every = 2 * whole / student.steps();
    std::vector<Tensor> from, goals;
    for (int64_t i = 0; i < student.steps(); i += 2) {
      const Tensor& x = way[size_t(i / 2 * every)];
      const double h = 1 / double(student.steps());
      const auto time = [&](int64_t k) { return full({1, 1}, double(k) * h, x.dtype()); };
      from.push_back(x);
      goals.push_back(student.step(student.step(Variable(x), time(i)), time(i + 1)).value());
    }
    student.halve();
    learn(student, from, goals, rng, options);
  }
  return student;
}

}  // namespace pf
