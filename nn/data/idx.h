#pragma once
// IDX: the file format of MNIST and of the sets made in its likeness, plain or gzipped.

#include <filesystem>

#include "nn/data/dataset.h"

namespace pf {

/// One array, every number converted to `dtype` (float32 for images, int64 for labels).
Tensor read_idx(const std::filesystem::path& path, DType dtype);

/// A folder in the layout of MNIST: train-images-idx3-ubyte, train-labels-idx1-ubyte and the same for t10k, each with or
/// without .gz. Labels may be missing. Images are rows of integers 0 … 255, see Dataset.
Dataset load_idx_folder(const std::filesystem::path& folder);

}  // namespace pf
