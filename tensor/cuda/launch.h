#pragma once
// What every launch goes through.

#include <cuda_runtime_api.h>

#include "tensor/shape.h"

namespace pf::cuda {

/// Throws, naming the operation and its shape, unless the call succeeded.
void check_launch(cudaError_t status, const char* op, const Shape& shape);
/// Throws, naming what was tried, unless the call succeeded.
void check_call(cudaError_t status, const char* what);

}  // namespace pf::cuda
