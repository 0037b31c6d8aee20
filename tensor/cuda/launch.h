#pragma once
// What every launch goes through.

#include <cuda_runtime_api.h>

#include "tensor/shape.h"

namespace pf::cuda {

/// After each launch, with the launch's status. Throws, naming the operation and its shape, unless it succeeded. An error of an
/// earlier kernel may show here, too: then it names the operation that was queued last before. With PF_CUDA_WAIT=1 it waits
/// for the kernel, so that errors are those of this one. `op` must live as long as the program.
void check_launch(cudaError_t status, const char* op, const Shape& shape);
/// Throws, naming what was tried, unless the call succeeded: OutOfDeviceMemory, or Error, which names the operation queued last
/// where a kernel left the error.
void check_call(cudaError_t status, const char* what);

}  // namespace pf::cuda
