#pragma once
// NPY: NumPy's file format for one array (header versions 1, 2 and 3).

#include <filesystem>

#include "tensor/tensor.h"

namespace pf {

/// Reads one array. float32, float64, int64 and bool as they are; int8 … int32 and uint8 … uint32 become int64. Both byte
/// orders and both memory orders; the result is row-major.
Tensor read_npy(const std::filesystem::path& path);

/// Writes atomically: readers see the old file or the new one.
void write_npy(const std::filesystem::path& path, const Tensor& x);

}  // namespace pf
