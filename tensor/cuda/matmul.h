#pragma once
// Matrix products on the device.

#include "tensor/cuda/device_state.h"

namespace pf::cuda {

/// c[i] = a[i] b[i] (+ c[i]); steps are elements from one matrix of the batch to the next. k = 0 gives zeros (or c).
void multiply(DeviceState& device, DType dtype, const Matrix& a, int64_t a_step, const Matrix& b, int64_t b_step,
              void* c, int64_t c_step, int64_t count, bool add);

}  // namespace pf::cuda
