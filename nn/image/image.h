#pragma once
// Image: pixels for people to look at. (Images as data are rows of a tensor, see nn/data/dataset.h.)

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/error.h"

namespace pf {

/// How a row of height · width · channels numbers is a picture: pixel by pixel, line by line, channels together.
struct ImageShape {
  int64_t height = 0, width = 0, channels = 1;
  int64_t size() const { return height * width * channels; }
  bool operator==(const ImageShape&) const = default;
};
inline std::string to_string(const ImageShape& s) { return join(s.height, "×", s.width, "×", s.channels); }

/// 8-bit grey (1 channel) or RGB (3 channels) pixels, line by line from the top.
struct Image {
  int64_t width = 0, height = 0;
  int channels = 3;
  std::vector<uint8_t> pixels;

  Image() = default;
  Image(int64_t width, int64_t height, int channels, uint8_t fill = 255)
      : width(width), height(height), channels(channels), pixels(size_t(width * height * channels), fill) {}
  uint8_t* at(int64_t x, int64_t y) { return pixels.data() + (y * width + x) * channels; }
  const uint8_t* at(int64_t x, int64_t y) const { return pixels.data() + (y * width + x) * channels; }
};

}  // namespace pf
