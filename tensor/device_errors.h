#pragma once
// Errors of a GPU that the caller can do something about, and so tells from all others.

#include "tensor/error.h"

namespace pf {

/// The device has no more memory. A recording of a step is given up for it (tensor/capture.h).
class OutOfDeviceMemory final : public Error {
 public:
  using Error::Error;
};

/// clip_by_norm found on the device, at some time before this was read, that the norm of the gradients was not finite. The
/// training loop knows between which steps that was.
class NormNotFinite final : public Error {
 public:
  using Error::Error;
};

}  // namespace pf
