#pragma once
// What several commands read.

#include <string>

#include "tensor/tensor.h"

namespace pf::cli {

/// An NPY file of rows of the given width, as float32. Throws where it has another shape, or holds NaN or infinity
/// (naming row and column). `what` is what the rows are, for the error.
Tensor read_rows(const std::string& file, const std::string& what, int64_t width);

}  // namespace pf::cli
