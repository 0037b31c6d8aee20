#pragma once
// Sample pictures: a scatter plot of two columns, or a grid of images, as the data ask for.

#include <filesystem>

#include "models/model.h"

namespace pf {

/// x: [n, width] on the scale of the data. Two-dimensional data are plotted on a fixed square around the data set.
void write_sample_picture(const std::filesystem::path& path, const ModelConfig& config, const Tensor& x);
/// x: [rows, steps, width]: a row of images each, or a curve each.
void write_interpolation_picture(const std::filesystem::path& path, const ModelConfig& config, const Tensor& x);
/// Pixels on the scale of the data to 0 … 1.
Tensor to_unit_pixels(const ModelConfig& config, const Tensor& x);

}  // namespace pf
