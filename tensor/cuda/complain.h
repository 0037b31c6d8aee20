#pragma once
// How a kernel complains: the first one is kept.

#include "tensor/cuda/device_code.h"
#include "tensor/cuda/status.h"

namespace pf::cuda {

__device__ inline void complain(Status* status, Complaint what, StatusOperation where, int64_t value, int64_t position,
                                int64_t limit, double number = 0) {
  if (atomicCAS(&status->complaint, 0, int(what)) != 0) return;
  status->operation = int(where);
  status->value = value;
  status->position = position;
  status->limit = limit;
  status->number = number;
}

}  // namespace pf::cuda
