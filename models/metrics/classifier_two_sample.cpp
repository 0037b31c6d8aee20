#include "models/metrics/classifier_two_sample.h"

#include <cmath>

#include "nn/data/dataset.h"
#include "nn/gradients.h"
#include "nn/mlp.h"
#include "nn/optim/adam.h"
#include "nn/optim/schedule.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"

namespace pf {

Estimate classifier_accuracy(const Tensor& x, const Tensor& y, Rng& rng, const ClassifierOptions& options) {
  check(options.folds >= 2 && options.steps >= 1 && options.batch >= 1, "classifier: ", options.folds, " folds, ",
        options.steps, " steps of ", options.batch, ": expected at least 2 folds and positive numbers");
  check_samples("classifier", x, y, 2 * options.folds);
  check(x.size(0) == y.size(0), "classifier: ", x.size(0), " and ", y.size(0), " samples: expected equally many");
  const int64_t n = x.size(0), d = x.size(1);
  Tensor both = concat(std::vector<Tensor>{cast(x, float32), cast(y, float32)}, 0);
  both = (both - mean(both, 0)) / (sqrt(var(both, 0)) + 1e-12);
  // The same rows of x and of y are held out, so that both are equally frequent everywhere.
  const Tensor order = rng.permutation(n), first = index_select(slice(both, 0, 0, n), 0, order),
               second = index_select(slice(both, 0, n, 2 * n), 0, order);
  double right = 0;
  for (int64_t fold = 0; fold < options.folds; ++fold) {
    const int64_t from = n * fold / options.folds, to = n * (fold + 1) / options.folds;
    auto rest = [&](const Tensor& rows) {
      return concat(std::vector<Tensor>{slice(rows, 0, 0, from), slice(rows, 0, to, n)}, 0);
    };
    const Tensor real = rest(first), fake = rest(second);
    Mlp net(mlp_widths(d, options.hidden, options.depth, 1), rng);
    const std::vector<Field> parameters = parameters_of(net);
    Adam adam;
    const Schedule schedule{
        .kind = ScheduleKind::cosine, .rate = options.rate, .total = options.steps, .final_rate = options.rate / 50};
    for (int64_t step = 0; step < options.steps; ++step) {
      const Tensor a = index_select(real, 0, rng.integers(real.size(0), {options.batch}));
      const Tensor b = index_select(fake, 0, rng.integers(fake.size(0), {options.batch}));
      auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
        return mean(softplus(-net(Variable(a)))) + mean(softplus(net(Variable(b))));
      });
      adam.update(parameters, gradients, schedule(step));
    }
    auto said_first = [&](const Tensor& rows) {
      return sum(cast(net(Variable(slice(rows, 0, from, to))).value() > 0.0, float64)).item();
    };
    right += said_first(first) + double(to - from) - said_first(second);
  }
  return {right / double(2 * n), std::sqrt(0.25 / double(2 * n))};
}

}  // namespace pf
