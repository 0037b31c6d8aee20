#include "nn/optim/clip.h"

#include <cmath>

#include "nn/optim/device_update.h"
#include "nn/optim/vector_loop.h"
#include "tensor/recording.h"

namespace pf {
namespace {

// Blocks are summed in vectors, and the blocks in double: accurate, and the same bits every time.
template <class T> double sum_of_squares(const T* x, int64_t n) {
  constexpr int64_t block = 1024, width = Vec<T>::width;
  double total = 0;
  int64_t i = 0;
  for (; i + block <= n; i += block) {
    Vec<T> sums[4] = {T(0), T(0), T(0), T(0)};
    for (int64_t k = 0; k < block; k += 4 * width)
      for (int lane = 0; lane < 4; ++lane) {
        const Vec<T> v = Vec<T>::load(x + i + k + lane * width);
        sums[lane] = math::fma(v, v, sums[lane]);
      }
    total += double(math::sum((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  for (; i < n; ++i) total += double(x[i]) * double(x[i]);
  return total;
}

bool on_device(const Gradients& gradients) { return !gradients.list.empty() && gradients.list[0].device().is_cuda(); }

}  // namespace

Tensor global_norm_of(const Gradients& gradients) {
  if (!on_device(gradients)) {
    const double norm = global_norm(gradients);
    return from_span(std::span(&norm, 1), {});
  }
  UpdateTargets targets;
  std::vector<Tensor> held;
  for (const Tensor& gradient : gradients.list) {
    const Tensor& g = held.emplace_back(contiguous(gradient));
    targets.add(g.dtype(), g.numel(), {const_cast<void*>(g.raw())}, g.device());
  }
  return targets.norm();
}

double global_norm(const Gradients& gradients) {
  if (on_device(gradients)) return global_norm_of(gradients).item();
  double total = 0;
  for (const Tensor& gradient : gradients.list) {
    const Tensor g = contiguous(gradient);
    total +=
        dispatch_floating(g.dtype(), "global_norm", [&]<class T>() { return sum_of_squares(g.data<T>(), g.numel()); });
  }
  return std::sqrt(total);
}

Gradients clip_on_device(Gradients gradients, double max_norm, Tensor& norm) {
  for (Tensor& gradient : gradients.list) gradient = writable(std::move(gradient));
  norm = detail::replayable(
      [max_norm](const std::vector<Tensor>& list) {
        UpdateTargets targets;
        for (const Tensor& g : list)
          targets.add(g.dtype(), g.numel(), {const_cast<void*>(g.raw())}, g.device());  // nobody else holds it
        return targets.clip(max_norm);
      },
      gradients.list);
  return gradients;
}

Gradients clip_by_norm(Gradients gradients, double max_norm, double* norm) {
  check(max_norm > 0, "clip_by_norm: largest norm ", max_norm, ": expected a positive number");
  if (on_device(gradients)) {
    Tensor found;
    gradients = clip_on_device(std::move(gradients), max_norm, found);
    if (norm) *norm = found.item();
    return gradients;
  }
  const double found = global_norm(gradients);
  if (norm) *norm = found;
  check(std::isfinite(found), "clip_by_norm: the norm of the gradients is ", found,
        ": expected a finite number; AnomalyDetection finds the operation that made it");
  if (found > max_norm) gradients.scale(max_norm / found);
  return gradients;
}

}  // namespace pf
