#pragma once
// Pictures of samples: grids of images, clouds of points, heat maps.

#include <span>
#include <vector>

#include "nn/image/colour.h"
#include "nn/image/image.h"
#include "tensor/tensor.h"

namespace pf {

/// The first rows · columns images of x, floating point [n, height · width · channels] with values 0 … 1 (others are
/// clamped), side by side with lines between them. Fewer images leave places empty.
Image image_grid(const Tensor& x, const ImageShape& shape, int64_t rows, int64_t columns, int64_t enlarge = 1);

/// A part of the plane.
struct Window {
  double left = -4, right = 4, bottom = -4, top = 4;
  static Window square(double extent) { return {-extent, extent, -extent, extent}; }
};

struct ScatterStyle {
  int64_t width = 400, height = 400;
  double radius = 1.5;  // pixels
  double alpha = 0.75;
  Colour background = {1, 1, 1};
};

/// Points [n, 2] as discs; y upwards. `colours`: one for all points or one for each. Points outside the window or not
/// finite are left out.
Image scatter(const Tensor& points, const Window& window, std::span<const Colour> colours,
              const ScatterStyle& style = {});

/// One colour a point: noise_colour of z [n, 2].
std::vector<Colour> noise_colours(const Tensor& z);

/// values [height, width], first row at the top, as colours from the lowest to the highest finite value (or the given
/// ones); each value is a square of `enlarge` pixels.
Image heat_map(const Tensor& values, int64_t enlarge = 1);
Image heat_map(const Tensor& values, double lowest, double highest, int64_t enlarge = 1);

/// The centres of the pixels of a picture of the window, row by row from the top: float64 [height · width, 2]. What a
/// function of the plane is evaluated at for heat_map.
Tensor window_points(const Window& window, int64_t width, int64_t height);

}  // namespace pf
