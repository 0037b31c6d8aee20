#pragma once
// The short training of a map on prepared rows that the transfers share: Adam, a warm-up of a twentieth, a cosine to a hundredth.

#include <span>

#include "nn/data/batches.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/schedule.h"

namespace pf {

/// loss_of(rows of a batch) is made small over the parameters; the norm of its gradient is clipped.
template <class Loss>
void fit(std::span<const Field> parameters, Batches batches, int64_t steps, double rate, double clip,
         const Loss& loss_of) {
  Adam adam;
  const Schedule schedule{
      .kind = ScheduleKind::cosine, .rate = rate, .warmup = steps / 20, .total = steps, .final_rate = rate / 100};
  for (int64_t step = 0; step < steps; ++step) {
    const Tensor batch = batches.next().x;
    auto [loss, gradients] = value_and_grad(parameters, [&] { return loss_of(batch); });
    adam.update(parameters, clip_by_norm(std::move(gradients), clip), schedule(step));
  }
}

}  // namespace pf
