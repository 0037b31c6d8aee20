#pragma once
// Conditions: what a conditional model is told beside the noise, one row of numbers for each point: a class as a one-hot row,
// or any vector. A map passes its context to its networks as further inputs.

#include "autograd/variable.h"

namespace pf {

/// The context as rows for n points: [n, width] of the type of the points. One row counts for all points. Throws, in the name of
/// `who`, where it does not fit: width 0 takes none, any other width needs one.
Tensor context_rows(const char* who, const Tensor& context, int64_t n, int64_t width, DType dtype);

/// [x, context]: what a network with inputs for both takes. x: [n, d] → [n, d + width]; x itself where width is 0.
Variable with_context(const char* who, const Variable& x, const Tensor& context, int64_t width);

}  // namespace pf
