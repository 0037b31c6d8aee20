#include "nn/batch_norm.h"

#include "autograd/apply.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

void check_width(const Variable& x, const Variable& weight) {
  check(x.rank() >= 1 && x.size(-1) == weight.size(0), "batch_norm: ", x.shape(), ": expected [..., ", weight.size(0),
        "]");
}
Axes all_but_last(int rank) {
  Shape axes;
  for (int i = 0; i + 1 < rank; ++i) axes.push_back(i);
  return Axes(axes);
}

}  // namespace

BatchNorm::BatchNorm(int64_t width)
    : weight(ones({width})), bias(zeros({width})), running_mean(zeros({width})), running_var(ones({width})) {}

Variable BatchNorm::operator()(const Variable& x) const {
  check_width(x, weight);
  const Variable scale = weight * rsqrt(running_var + epsilon);
  return x * scale + (bias - running_mean * scale);
}

Variable BatchNorm::train(const Variable& x) {
  check_width(x, weight);
  const int64_t width = x.size(-1), count = width > 0 ? x.numel() / width : 0;
  check(count >= 2, "batch_norm: ", x.shape(), " has ", count, " rows: the statistics of a batch need 2 or more; ",
        "evaluate with layer(x)");
  const Axes axes = all_but_last(x.rank());
  const Variable centre = mean(x, axes), centred = x - centre;
  const Variable variance = mean(square(centred), axes);
  const double unbiased = double(count) / double(count - 1);
  running_mean = running_mean * (1 - momentum) + centre.value() * momentum;
  running_var = running_var * (1 - momentum) + variance.value() * (momentum * unbiased);
  return centred * (weight * rsqrt(variance + epsilon)) + bias;
}

}  // namespace pf
