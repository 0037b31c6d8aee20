#pragma once
// PNG: pictures for files and pages.

#include <filesystem>
#include <string>

#include "nn/image/image.h"

namespace pf {

/// The bytes of a PNG file.
std::string encode_png(const Image& image);
/// Writes atomically: readers see the old file or the new one.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace pf
