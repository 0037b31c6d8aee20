#include "models/inversion.h"

#include <algorithm>
#include <cmath>

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

/// A map with what is walked in: the normal coordinates w of its base, or the base itself where it has none.
class Landscape {
 public:
  Landscape(const Transform& map, const Tensor& x, double prior_weight, const Tensor& context)
      : map_(map),
        x_(x),
        weight_(prior_weight),
        context_(context),
        normal_(map.base().has_normal_coordinates()),
        smooth_(map.traits().smooth) {}

  Tensor sample(int64_t n, Rng& rng) const {
    return normal_ ? rng.normal({n, map_.base().width()}, x_.dtype()) : map_.base().sample(n, rng, x_.dtype());
  }
  Tensor from_base(const Tensor& z) const { return normal_ ? map_.base().to_normal(z) : z; }
  Variable to_base(const Variable& w) const { return normal_ ? map_.base().from_normal(w) : w; }
  Tensor image(const Tensor& w) const { return map_.push(to_base(Variable(w)), context_).value(); }

  /// −λ log p₀ of each row, but for a constant.
  Variable penalty(const Variable& w) const {
    return normal_ ? sum(square(w), -1) * (0.5 * weight_) : map_.base().log_density(w) * -weight_;
  }
  bool penalised() const { return weight_ != 0; }
  /// What is minimised, for each row, and what its slope is taken of: the same with the relaxed map of a step function.
  Tensor height(const Tensor& w) const {
    const Tensor residual = squared_residual(image(w), x_);
    return penalised() ? residual + penalty(Variable(w)).value() : residual;
  }
  Variable slope_of(const Variable& w, double temperature) const {
    const Variable z = to_base(w);
    const Variable y = smooth_ ? map_.push(z, context_) : map_.push_relaxed(z, temperature, context_);
    const Variable residual = squared_residual(y, x_);
    return penalised() ? residual + penalty(w) : residual;
  }

 private:
  const Transform& map_;
  const Tensor& x_;
  double weight_;
  const Tensor& context_;
  bool normal_, smooth_;
};

/// For each row of x the base sample that is lowest.
Tensor best_candidates(const Landscape& land, const Tensor& x, const InversionOptions& options, const Tensor& context) {
  Rng rng(options.seed);
  if (context.defined() && context.size(0) > 1) {
    // Each row has a map of its own, so candidates cannot be shared between rows.
    Tensor best, least;
    for (int64_t i = 0; i < std::min<int64_t>(options.candidates, 64); ++i) {
      const Tensor w = land.sample(x.size(0), rng), height = land.height(w);
      const Tensor better = best.defined() ? height < least : Tensor();
      best = best.defined() ? where(unsqueeze(better, 1), w, best) : w;
      least = least.defined() ? where(better, height, least) : height;
    }
    return best;
  }
  const Tensor w = land.sample(options.candidates, rng), images = land.image(w);
  Tensor own = sum(square(images), -1);
  if (land.penalised()) own = own + land.penalty(Variable(w)).value();
  std::vector<Tensor> found;
  constexpr int64_t rows = 512;  // at a time, so that the table of distances stays small
  for (int64_t i = 0; i < x.size(0); i += rows) {
    const Tensor part = slice(x, 0, i, std::min(i + rows, x.size(0)));
    const Tensor score = own - matmul(part, transpose(images)) * 2;  // ‖x‖² is the same for all
    found.push_back(index_select(w, 0, argmin(score, -1)));
  }
  return concat(found, 0);
}

}  // namespace

Inversion invert_by_optimisation(const Transform& map, const Tensor& x, const InversionOptions& options,
                                 const Tensor& context) {
  check_rows("inversion", x.shape(), map.width());
  check(options.candidates >= 1 && options.steps >= 0, "inversion: ", options.candidates, " candidates and ",
        options.steps, " steps: expected at least one candidate and no negative number of steps");
  check(options.prior_weight >= 0, "inversion: a weight of ", options.prior_weight,
        " for log p0: expected 0 or more; twice the variance of the noise around T(z)");
  if (x.size(0) == 0) return {zeros({0, map.base().width()}, x.dtype()), zeros({0}, x.dtype())};

  const Landscape land(map, x, options.prior_weight, context);
  Tensor start = options.start;
  if (start.defined()) {
    const Shape expected{x.size(0), map.base().width()};
    check(start.shape() == expected, "inversion: start ", start.shape(), ": expected ", expected,
          ", a base point for each row");
    start = land.from_base(start);
  } else {
    start = best_candidates(land, x, options, context);
  }
  Variable w(start);
  Tensor best = start, least = land.height(start);
  const Field parameter{"z", &w, nullptr};
  Adam adam;
  const Schedule schedule{.kind = ScheduleKind::cosine,
                          .rate = options.rate,
                          .total = std::max<int64_t>(options.steps, 1),
                          .final_rate = options.rate / 1000};
  for (int64_t step = 0; step < options.steps; ++step) {
    const double temperature = options.temperature * std::pow(0.1, double(step) / double(options.steps));
    const Variable at = tracked(w.value());
    // Rows do not influence each other, so the sum has each row's own gradient.
    const Tensor slope = grad(sum(land.slope_of(at, temperature)), at);
    adam.update(std::span(&parameter, 1), {{slope}}, schedule(step));
    const Tensor now = land.height(w.value()), better = now < least;
    best = where(unsqueeze(better, 1), w.value(), best);
    least = where(better, now, least);
  }
  return {land.to_base(Variable(best)).value(), sqrt(squared_residual(land.image(best), x))};
}

}  // namespace pf
